using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>
/// A model's vocabulary in plain arrays, independent of the file. Ids are positions. Special ids are null where the file states none or one
/// out of range;
/// flags are null where the file leaves them to the tokenizer's kind.
/// </summary>
public sealed class GgufVocabulary
{
    private readonly byte[] _bytes;
    private readonly int[] _starts;

    private GgufVocabulary(byte[] bytes, int[] starts)
    {
        _bytes = bytes;
        _starts = starts;
    }

    /// <summary>Kind of tokenizer.</summary>
    public required TokenizerKind Kind { get; init; }

    /// <summary><c>tokenizer.ggml.model</c> as stated.</summary>
    public required string Model { get; init; }

    /// <summary><c>tokenizer.ggml.pre</c> as stated: which rule splits text before byte-pair merging; empty where absent.</summary>
    public required string PreTokenizer { get; init; }

    /// <summary>Number of tokens.</summary>
    public int Count => _starts.Length - 1;

    /// <summary>Score of each token; empty where the file has none.</summary>
    public required float[] Scores { get; init; }

    /// <summary>Type of each token: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte; empty where the file has
    /// none.</summary>
    public required int[] Types { get; init; }

    /// <summary>Merges in order of priority, each <c>left right</c> in UTF-8; empty where the file has none.</summary>
    public required string[] Merges { get; init; }

    /// <summary>Beginning of text.</summary>
    public int? BosId { get; init; }

    /// <summary>End of text.</summary>
    public int? EosId { get; init; }

    /// <summary>End of turn.</summary>
    public int? EotId { get; init; }

    /// <summary>End of message.</summary>
    public int? EomId { get; init; }

    /// <summary>Unknown token.</summary>
    public int? UnknownId { get; init; }

    /// <summary>Padding.</summary>
    public int? PaddingId { get; init; }

    /// <summary>Separator.</summary>
    public int? SeparatorId { get; init; }

    /// <summary>Whether the beginning-of-text token is put in front.</summary>
    public bool? AddBos { get; init; }

    /// <summary>Whether the end-of-text token is put behind.</summary>
    public bool? AddEos { get; init; }

    /// <summary>Whether a space is put in front.</summary>
    public bool? AddSpacePrefix { get; init; }

    /// <summary>Whether runs of spaces are shortened.</summary>
    public bool? RemoveExtraWhitespaces { get; init; }

    /// <summary>Bytes of a token as the file spells it (byte-level vocabularies: mapped characters; SentencePiece: with U+2581 for
    /// spaces).</summary>
    public ReadOnlySpan<byte> Token(int id) => _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    /// <summary>Reads the vocabulary of an opened and validated file.</summary>
    /// <exception cref="ModelFileException">The file has no vocabulary, or a key has the wrong type.</exception>
    public static GgufVocabulary Read(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var summaryKind = KindOf(file, out var model, out var pre);
        var (bytes, starts) = ReadTokens(file);
        var count = starts.Length - 1;
        return new GgufVocabulary(bytes, starts)
        {
            Kind = summaryKind,
            Model = model,
            PreTokenizer = pre,
            Scores = ReadScores(file),
            Types = file.TryGetValue("tokenizer.ggml.token_type", out var types) ? file.Numbers<int>(types).ToArray() : [],
            Merges = ReadMerges(file),
            BosId = Id(file, "bos", count),
            EosId = Id(file, "eos", count),
            EotId = Id(file, "eot", count),
            EomId = Id(file, "eom", count),
            UnknownId = Id(file, "unknown", count),
            PaddingId = Id(file, "padding", count),
            SeparatorId = Id(file, "seperator", count),
            AddBos = Flag(file, "add_bos_token"),
            AddEos = Flag(file, "add_eos_token"),
            AddSpacePrefix = Flag(file, "add_space_prefix"),
            RemoveExtraWhitespaces = Flag(file, "remove_extra_whitespaces"),
        };
    }

    /// <summary>Kind of tokenizer of an opened file, without reading its tokens.</summary>
    public static TokenizerKind KindOf(GgufFile file) => KindOf(file, out _, out _);

    internal static TokenizerKind KindOf(GgufFile file, out string model, out string pre)
    {
        model = file.TryGetString("tokenizer.ggml.model", out var stated) ? stated : "";
        pre = file.TryGetString("tokenizer.ggml.pre", out var rule) ? rule : "";
        return model switch
        {
            "gpt2" => TokenizerKind.ByteLevelBpe,
            "llama" => UnigramDetector.IsUnigram(file) ? TokenizerKind.Unigram : TokenizerKind.SentencePieceBpe,
            "t5" => TokenizerKind.Unigram,
            "gemma4" => TokenizerKind.SentencePieceMerges,
            "bert" => TokenizerKind.WordPiece,
            "rwkv" => TokenizerKind.Rwkv,
            "plamo2" => TokenizerKind.Plamo2,
            _ => TokenizerKind.Other,
        };
    }

    private static (byte[] Bytes, int[] Starts) ReadTokens(GgufFile file)
    {
        if (!file.TryGetValue("tokenizer.ggml.tokens", out var value))
            throw new ModelFileException(file.Path, "tokenizer.ggml.tokens", "nothing", "the list of tokens",
                "The file has no vocabulary.");
        var tokens = file.Strings(value);
        var bytes = new byte[value.ByteLength - (8L * value.Count)];
        var starts = new int[value.Count + 1];
        while (tokens.MoveNext())
        {
            tokens.Current.CopyTo(bytes.AsSpan(starts[tokens.Index]));
            starts[tokens.Index + 1] = starts[tokens.Index] + tokens.Current.Length;
        }

        return (bytes, starts);
    }

    private static float[] ReadScores(GgufFile file)
    {
        if (!file.TryGetValue("tokenizer.ggml.scores", out var value))
            return [];
        return value.ElementType == GgufValueType.Int32 ? Array.ConvertAll(file.Numbers<int>(value).ToArray(), n => (float)n)
            : file.Numbers<float>(value).ToArray();
    }

    private static string[] ReadMerges(GgufFile file)
    {
        if (!file.TryGetValue("tokenizer.ggml.merges", out var value))
            return [];
        var merges = new string[value.Count];
        var strings = file.Strings(value);
        while (strings.MoveNext())
            merges[strings.Index] = System.Text.Encoding.UTF8.GetString(strings.Current);
        return merges;
    }

    private static int? Id(GgufFile file, string name, int count) =>
        file.TryGetUInt32($"tokenizer.ggml.{name}_token_id", out var id) && id < (uint)count ? (int)id : null;

    private static bool? Flag(GgufFile file, string name) => file.TryGetBoolean($"tokenizer.ggml.{name}", out var flag) ? flag : null;
}
