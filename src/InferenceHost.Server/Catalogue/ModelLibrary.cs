using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Catalogue;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Server.Chat;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Catalogue;

/// <summary>Finds models by name or path and verifies them. The folder is read anew each time: a model that is copied there is there.</summary>
internal sealed class ModelLibrary(ServerOptions options)
{
    private const string DefaultModel = "SmolLM2-135M-Instruct.IQ4_NL.gguf";

    /// <summary>All models of the catalogue, those without a manifest under their file's name.</summary>
    public IReadOnlyList<ModelCandidate> List()
    {
        if (Folder() is not { } folder)
            return [];
        var catalogue = ModelCatalogue.Scan(folder);
        return
        [
            .. catalogue.Entries.Select(entry => new ModelCandidate(entry.Manifest.Name, entry.ModelPath, entry)),
            .. catalogue.UnlistedFiles.Select(path => new ModelCandidate(Path.GetFileNameWithoutExtension(path), path, null)),
        ];
    }

    /// <summary>The model of a name; null where there is none.</summary>
    public ModelCandidate? FindByName(string name) => List().FirstOrDefault(m => string.Equals(m.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The model at a path, with its manifest where one lies beside it; null where there is no file.</summary>
    public static ModelCandidate? FindByPath(string path)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full))
            return null;
        var entry = ModelCatalogue.Scan(Path.GetDirectoryName(full)!).FindByPath(full);
        return new ModelCandidate(entry?.Manifest.Name ?? Path.GetFileNameWithoutExtension(full), full, entry);
    }

    /// <summary>The model the options name, or the default model.</summary>
    /// <exception cref="StartupException">There is none.</exception>
    public ModelCandidate FindConfigured()
    {
        if (options.Model is not { } wanted)
        {
            return Folder() is { } folder && FindByPath(Path.Combine(folder, DefaultModel)) is { } standard
                ? standard
                : throw new StartupException("the default model is not there: no 'models' folder beside the executable or above it",
                    "Name a GGUF file with --model PATH, or a folder of models with --models-dir PATH.", StartupException.ModelExitCode);
        }
        if (Directory.Exists(wanted))
        {
            throw new StartupException($"'{wanted}' is a folder", "Name a GGUF file with --model PATH.", StartupException.ModelExitCode);
        }
        if ((FindByPath(wanted) ?? FindByName(wanted)) is not { } found)
        {
            var names = string.Join(", ", List().Select(m => m.Name));
            throw new StartupException($"there is no file '{wanted}' and no model of that name in the catalogue",
                names.Length > 0 ? $"Name a GGUF file with --model PATH, or one of: {names}." : "Name a GGUF file with --model PATH.", StartupException.ModelExitCode);
        }
        return found;
    }

    /// <summary>Verifies a model: structure and architecture first, then its hash where a manifest states one.</summary>
    /// <param name="candidate">The model.</param>
    /// <param name="progress">Told the part that is done, 0 .. 1.</param>
    /// <param name="cancellation">Ends hashing.</param>
    /// <exception cref="ModelFileException">It is damaged or cannot be served; the message has field, both values and the remedy.</exception>
    public async Task<ServedModel> VerifyAsync(ModelCandidate candidate, IProgress<float>? progress, CancellationToken cancellation)
    {
        ModelValidator.Validate(candidate.Path);
        var summary = ModelSummary.Read(candidate.Path);
        if (candidate.Entry is { } entry)
        {
            var hashing = progress is null ? null : new HashProgress(progress, summary.FileBytes);
            await entry.VerifyAsync(hashing, cancellation).ConfigureAwait(false);
        }
        return new ServedModel(candidate.Name, candidate.Path) { Entry = candidate.Entry, Summary = summary, Template = TemplateOf(summary) };
    }

    private ModelTemplate TemplateOf(ModelSummary summary)
    {
        if (options.ChatTemplatePath is not { } path)
            return new ModelTemplate(summary.ChatTemplate, "model file");
        try
        {
            return new ModelTemplate(File.ReadAllText(path), $"file {path}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"the chat template '{path}' cannot be read: {error.Message}", "Name another file with --chat-template PATH.",
                StartupException.ModelExitCode, error);
        }
    }

    // As configured, else 'models' beside the executable or in a folder above it.
    private string? Folder()
    {
        if (options.ModelsDirectory is { } configured)
            return Path.GetFullPath(configured);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "models");
            if (File.Exists(Path.Combine(candidate, DefaultModel)))
                return candidate;
        }
        return null;
    }

    private sealed class HashProgress(IProgress<float> progress, long totalBytes) : IProgress<long>
    {
        public void Report(long value) => progress.Report(totalBytes > 0 ? (float)value / totalBytes : 1);
    }
}
