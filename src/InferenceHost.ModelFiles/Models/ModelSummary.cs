using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>What a model file says about itself, for people and for planning.</summary>
public sealed record ModelSummary
{
    /// <summary><c>general.name</c>, or the file's name.</summary>
    public required string Name { get; init; }

    /// <summary>Architecture name.</summary>
    public required string Architecture { get; init; }

    /// <summary>Number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bytes of all parts of the file.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Element type that most weights have, for example <c>IQ4_NL</c>.</summary>
    public required string Quantisation { get; init; }

    /// <summary>Tokens the model was trained for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Width of a hidden state.</summary>
    public required int EmbeddingLength { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads (the most that a layer has).</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads (the most that a layer has).</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one key head; a KV cell holds layers x KV heads x (key + value) numbers.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Width of one value head.</summary>
    public required int ValueHeadSize { get; init; }

    /// <summary>Experts a layer chooses from; 0 in dense models.</summary>
    public required int Experts { get; init; }

    /// <summary>Number of tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Kind of tokenizer.</summary>
    public required TokenizerKind Tokenizer { get; init; }

    /// <summary><c>tokenizer.ggml.model</c> as stated.</summary>
    public required string TokenizerModel { get; init; }

    /// <summary><c>tokenizer.ggml.pre</c> as stated.</summary>
    public required string PreTokenizer { get; init; }

    /// <summary>Source of the default chat template; null where the file has none.</summary>
    public required string? ChatTemplate { get; init; }

    /// <summary>Names of further templates (<c>tool_use</c> …), their sources under <c>tokenizer.chat_template.NAME</c>.</summary>
    public required IReadOnlyDictionary<string, string> NamedChatTemplates { get; init; }

    /// <summary>All tensors.</summary>
    public required IReadOnlyList<GgufTensor> Tensors { get; init; }

    /// <summary>Bytes of the KV cache per token with 16-bit entries (attention layers only).</summary>
    public required long KvBytesPerToken { get; init; }

    /// <summary>Reads a summary. Files that would not pass validation are refused where the summary itself cannot be made.</summary>
    /// <param name="path">A model file, the first part of a split model, or a vocabulary file.</param>
    /// <exception cref="ModelFileException">The file is malformed or not a model.</exception>
    public static ModelSummary Read(string path)
    {
        using var parts = ModelParts.Open(path);
        var file = parts.Head;
        if (!file.TryGetString("general.architecture", out var architecture))
            throw new ModelFileException(path, "general.architecture", "nothing", "an architecture name",
                "The file does not say what it is.");
        KeyTypes.Check(file, architecture);
        var p = HyperParameters.Read(file, architecture);
        var tensors = parts.Tensors.ToArray();
        return new ModelSummary
        {
            Name = file.TryGetString("general.name", out var name) ? name : Path.GetFileNameWithoutExtension(path),
            Architecture = architecture,
            Parameters = tensors.Sum(t => t.Elements),
            FileBytes = parts.Files.Sum(f => f.Length),
            Quantisation = MainType(tensors),
            ContextLength = p.ContextLength,
            EmbeddingLength = p.Embedding,
            Layers = p.Layers,
            Heads = p.Heads.Max(),
            KeyValueHeads = p.HeadsKv.Max(),
            HeadSize = p.KeyLength,
            ValueHeadSize = p.ValueLength,
            Experts = p.Experts,
            VocabularySize = file.TryGetValue("tokenizer.ggml.tokens", out var tokens) ? tokens.Count : 0,
            Tokenizer = GgufVocabulary.KindOf(file, out var model, out var pre),
            TokenizerModel = model,
            PreTokenizer = pre,
            ChatTemplate = file.TryGetValue("tokenizer.chat_template", out var value) && !value.IsArray
                && file.TryGetString(value.Key, out var template) ? template : null,
            NamedChatTemplates = ReadNamedTemplates(file),
            Tensors = tensors,
            KvBytesPerToken = p.HeadsKv.Sum(heads => 2L * heads * (p.KeyLength + p.ValueLength)),
        };
    }

    private static string MainType(GgufTensor[] tensors) => tensors.Where(t =>
        t.Dimensions > 1 && !t.Name.Contains("token_embd", StringComparison.Ordinal))
        .GroupBy(t => t.Type).OrderByDescending(g => g.Sum(t => t.Elements)).Select(g => g.Key.ToString()).FirstOrDefault() ?? "none";

    private static Dictionary<string, string> ReadNamedTemplates(GgufFile file)
    {
        const string Prefix = "tokenizer.chat_template.";
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var value in file.Values)
        {
            if (value.Key.StartsWith(Prefix, StringComparison.Ordinal) && value.Type == GgufValueType.String
                && file.TryGetString(value.Key, out var source))
                named.Add(value.Key[Prefix.Length..], source);
        }

        return named;
    }
}
