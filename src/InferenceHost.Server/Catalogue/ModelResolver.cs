using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Catalogue;

/// <summary>Finds and verifies the file to serve.</summary>
internal static class ModelResolver
{
    private const string DefaultModel = "SmolLM2-135M-Instruct.IQ4_NL.gguf";

    /// <summary>The model the options name, verified.</summary>
    /// <exception cref="StartupException">There is none, or it is damaged or cannot be served.</exception>
    public static ServedModel Resolve(ServerOptions options)
    {
        var path = options.Model ?? Path.Combine(ModelsDirectory(options) ?? "models", DefaultModel);
        if (!File.Exists(path))
        {
            throw new StartupException($"there is no model at '{path}'",
                "Name a GGUF file with --model PATH, or run from a checkout with its models folder.", StartupException.ModelExitCode);
        }
        try
        {
            ModelValidator.Validate(path);
        }
        catch (ModelFileException error)
        {
            throw new StartupException(error.Message, error.Remedy, StartupException.ModelExitCode, error);
        }
        return new ServedModel(Path.GetFileNameWithoutExtension(path), Path.GetFullPath(path));
    }

    /// <summary>The folder with the models: as configured, else <c>models</c> beside the executable or in a folder above it.</summary>
    public static string? ModelsDirectory(ServerOptions options)
    {
        if (options.ModelsDirectory is { } configured)
            return configured;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "models");
            if (File.Exists(Path.Combine(candidate, DefaultModel)))
                return candidate;
        }
        return null;
    }
}
