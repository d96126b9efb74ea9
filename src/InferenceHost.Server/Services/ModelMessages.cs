using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Chat;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Services;

/// <summary>Turns what is known about models into messages.</summary>
internal static class ModelMessages
{
    /// <summary>A line of the list. The manifest has the last word, the file says the rest.</summary>
    public static ModelInfo Info(ModelCandidate candidate, ModelSummary? summary, bool isLoaded) => new()
    {
        Name = candidate.Name,
        Path = candidate.Path,
        Loaded = isLoaded,
        Architecture = candidate.Entry?.Manifest.Architecture ?? summary?.Architecture ?? "",
        Quantization = candidate.Entry?.Manifest.Quantisation ?? summary?.Quantisation ?? "",
        ContextTokens = candidate.Entry?.Manifest.ContextLength ?? summary?.ContextLength ?? 0,
        License = candidate.Entry?.Manifest.Licence ?? "",
        Sha256 = candidate.Entry?.Manifest.Sha256 ?? "",
        FileBytes = summary?.FileBytes ?? (File.Exists(candidate.Path) ? new FileInfo(candidate.Path).Length : 0),
    };

    /// <summary>A summary, or null where the manifest says enough or the file cannot be read: a damaged file is listed all the same.</summary>
    public static ModelSummary? TrySummary(ModelCandidate candidate)
    {
        if (candidate.Entry is not null)
            return null;
        try
        {
            return ModelSummary.Read(candidate.Path);
        }
        catch (ModelFileException)
        {
            return null;
        }
    }

    /// <summary>Everything about the loaded model.</summary>
    public static DescribeModelResponse Describe(EngineSession session)
    {
        var (model, loaded) = (session.Model, session.Loaded);
        var response = Describe(new ModelCandidate(model.Name, model.Path, model.Entry), model.Summary, model.Template, isLoaded: true);
        response.VocabularySize = loaded.VocabularySize;
        response.Tokenizer = loaded.Tokenizer;
        response.Serving = new LoadedModel
        {
            Device = loaded.Device,
            ContextTokens = loaded.ContextTokens,
            Parallel = loaded.Parallel,
            AdapterSlots = loaded.AdapterSlots,
            AdapterMode = loaded.AdapterMode,
        };
        return response;
    }

    /// <summary>Everything about a model that is not loaded.</summary>
    /// <exception cref="ModelFileException">Its file is damaged.</exception>
    public static DescribeModelResponse Describe(ModelCandidate candidate)
    {
        var summary = ModelSummary.Read(candidate.Path);
        return Describe(candidate, summary, new ModelTemplate(summary.ChatTemplate, "model file"), isLoaded: false);
    }

    private static DescribeModelResponse Describe(ModelCandidate candidate, ModelSummary? summary, ModelTemplate template, bool isLoaded) => new()
    {
        Info = Info(candidate, summary, isLoaded),
        Parameters = summary?.Parameters ?? 0,
        Layers = summary?.Layers ?? 0,
        EmbeddingWidth = summary?.EmbeddingLength ?? 0,
        AttentionHeads = summary?.Heads ?? 0,
        KvHeads = summary?.KeyValueHeads ?? 0,
        VocabularySize = summary?.VocabularySize ?? 0,
        Tokenizer = summary is null ? "" : TokenizerName(summary),
        ChatTemplate = template.Describe(),
        GoodFor = candidate.Entry?.Manifest.GoodFor ?? "",
        Source = candidate.Entry?.Manifest.Source ?? "",
    };

    private static string TokenizerName(ModelSummary summary) => summary.Tokenizer switch
    {
        TokenizerKind.ByteLevelBpe => $"byte-level BPE ({summary.PreTokenizer})",
        TokenizerKind.SentencePieceBpe => "SentencePiece BPE",
        TokenizerKind.Unigram => "SentencePiece Unigram",
        TokenizerKind.WordPiece => "WordPiece",
        _ => summary.TokenizerModel,
    };
}
