using System.Globalization;
using System.Text;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>Checks the tokenizer's part of the metadata. Everything here is either an abort of the engine or wrong text without a
/// message.</summary>
internal sealed class VocabularyChecker(GgufFile file)
{
    private const int MaxTokens = 1 << 19;
    private const int ByteToken = 6;
    private const int MaxAllTokenBytes = 32 << 20;
    private const int MaxTokenBytes = 1 << 16;
    private const string Reconvert = "Convert the model again.";

    // Without these the engine ends a prompt or reads it wrongly; the others (padding, mask …) it disables when they make no sense.
    private static readonly string[] EssentialIds = ["bos", "eos", "eot", "eom", "unknown"];

    public string Model { get; private set; } = "";

    public int Count { get; private set; }

    /// <summary>Checks the vocabulary and returns its number of tokens.</summary>
    public int Check()
    {
        if (!file.TryGetString("tokenizer.ggml.model", out var model))
            throw Bad("tokenizer.ggml.model", "nothing", "a tokenizer name",
                "The file has no tokenizer; convert the model with its tokenizer.");
        Model = model;
        if (model is not ("gpt2" or "llama" or "gemma4" or "rwkv" or "plamo2" or "hybriddna" or "whitespace" or "bert" or "t5"))
            throw Bad("tokenizer.ggml.model", $"'{model}'", "gpt2, llama, gemma4, plamo2, rwkv, t5, bert, hybriddna or whitespace",
                "A model without a tokenizer of its own cannot be served.");
        CheckPre();
        var tokens = CheckTokens();
        var types = Numbers("tokenizer.ggml.token_type", GgufValueType.Int32);
        CheckScores();
        if (model == "plamo2" || HasAnyByteToken(tokens))
            CheckByteTokens(tokens);
        CheckTypes(types);
        if (UsesMerges)
            CheckMerges();
        CheckIds();
        CheckCharacterMap();
        return Count;
    }

    private bool UsesMerges => Model is "gpt2" or "gemma4" or "hybriddna" or "whitespace";

    private void CheckPre()
    {
        if (!UsesMerges || Model == "gemma4" || !file.TryGetString("tokenizer.ggml.pre", out var pre) || PreTokenizers.IsKnown(pre)
            || pre.Length == 0)
            return;
        throw Bad("tokenizer.ggml.pre", $"'{pre}'", "a pre-tokenizer of the engine",
            "The model is newer than the engine, or the file is damaged.");
    }

    private TokenSet CheckTokens()
    {
        var value = Array("tokenizer.ggml.tokens", GgufValueType.String)
            ?? throw Bad("tokenizer.ggml.tokens", "nothing", "the list of tokens", Reconvert);
        if (value.Count is 0 or > MaxTokens)
            throw Bad(value.Key, $"{value.Count} tokens", $"1 to {MaxTokens}", Reconvert);
        if (value.ByteLength > MaxAllTokenBytes)
            throw Bad(value.Key, $"{value.ByteLength} bytes", $"at most {MaxAllTokenBytes}", Reconvert);
        Count = value.Count;
        if (file.TryGetUInt32($"{Architecture()}.vocab_size", out var stated) && stated != (uint)Count)
            throw Bad($"{Architecture()}.vocab_size", $"{stated}", $"{Count}, the length of tokenizer.ggml.tokens", Reconvert);
        var set = new TokenSet(Count);
        var tokens = file.Strings(value);
        while (tokens.MoveNext())
        {
            // The engine keeps a token up to its first zero byte, and names an empty one by its id.
            var end = tokens.Current.IndexOf((byte)0);
            var token = end < 0 ? tokens.Current : tokens.Current[..end];
            if (token.Length > MaxTokenBytes)
                throw Bad(value.Key, $"token {tokens.Index} of {token.Length} bytes", $"at most {MaxTokenBytes}", Reconvert,
                    value.Offset + tokens.CurrentOffset);
            if (token.IsEmpty)
                continue;
            var twin = set.Add(tokens.Index, token);
            if (twin >= 0)
                throw Bad(value.Key, $"the same token at {twin} and {tokens.Index}", "each token once", Reconvert,
                    value.Offset + tokens.CurrentOffset);
        }

        return set;
    }

    private void CheckScores()
    {
        if (!file.TryGetValue("tokenizer.ggml.scores", out var value))
            return;
        if (!value.IsArray || value.ElementType is not (GgufValueType.Float32 or GgufValueType.Int32) || value.Count != Count)
            throw Bad(value.Key, Describe(value), $"{Count} numbers of 32 bits, one per token", Reconvert);
        if (value.ElementType != GgufValueType.Float32)
            return;
        var scores = file.Numbers<float>(value);
        for (var i = 0; i < scores.Length; i++)
        {
            if (!float.IsFinite(scores[i]))
                throw Bad(value.Key, $"{scores[i].ToString(CultureInfo.InvariantCulture)} for token {i}", "finite numbers", Reconvert,
                    value.Offset + (4L * i));
        }
    }

    private void CheckTypes(GgufValue? types)
    {
        if (types is null)
            return;
        var numbers = file.Numbers<int>(types);
        var odd = numbers.IndexOfAnyExceptInRange(0, ByteToken);
        if (odd >= 0)
            throw Bad(types.Key, $"type {numbers[odd]} of token {odd}", "0 to 6", Reconvert, types.Offset + (4L * odd));
        if (!numbers.Contains(ByteToken))
            return;
        var tokens = file.Strings(file.TryGetValue("tokenizer.ggml.tokens", out var list) ? list : types);
        while (tokens.MoveNext())
        {
            var type = numbers[tokens.Index];
            if (type == ByteToken && (tokens.Current.Length < 5 || tokens.Current.IndexOf((byte)0) is >= 0 and < 5))
                throw Bad(types.Key, $"type 6 (byte) for token {tokens.Index}, '{Encoding.UTF8.GetString(tokens.Current)}'",
                    "byte tokens spelt <0x00> to <0xFF>", Reconvert, types.Offset + (4L * tokens.Index));
        }
    }

    private void CheckMerges()
    {
        var value = Array("tokenizer.ggml.merges", GgufValueType.String);
        if (value is null)
        {
            if (file.TryGetString("tokenizer.ggml.pre", out var pre) && pre == "kimi-k2")
                return;
            throw Bad("tokenizer.ggml.merges", "nothing", "the list of merges", Reconvert);
        }

        var merges = file.Strings(value);
        while (merges.MoveNext())
        {
            var merge = merges.Current;
            var space = merge.Length < 3 ? -1 : merge[1..].IndexOfAny((byte)' ', (byte)0) + 1;
            if (space < 1 || merge[space] == 0 || space + 1 >= merge.Length || merge[space + 1] == 0)
            {
                throw Bad(value.Key, $"merge {merges.Index} '{Encoding.UTF8.GetString(merge)}'", "two pieces with a space between",
                    Reconvert, value.Offset + merges.CurrentOffset);
            }
        }
    }

    private void CheckIds()
    {
        foreach (var name in EssentialIds)
        {
            var key = $"tokenizer.ggml.{name}_token_id";
            if (file.TryGetUInt32(key, out var id) && id >= (uint)Count)
                throw Bad(key, $"{id}", $"0 to {Count - 1}", Reconvert);
        }

        foreach (var key in new[] { "padding", "seperator", "mask", "cls", "fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep",
            "fim_sep", "prefix", "suffix", "middle" })
            file.TryGetUInt32($"tokenizer.ggml.{key}_token_id", out _);
        RequireId("add_bos_token", "bos", AddsByDefault(), DefaultId("bos"));
        RequireId("add_eos_token", "eos", Model == "t5", DefaultId("eos"));
        RequireId("add_sep_token", "seperator", Model == "bert", Model == "bert" ? 102 : -1);
    }

    // Asked to add a token that it does not have, the engine stops the process at the first prompt.
    private void RequireId(string flag, string name, bool byDefault, int defaultId)
    {
        var adds = file.TryGetBoolean($"tokenizer.ggml.{flag}", out var stated) ? stated : byDefault;
        adds |= flag == "add_bos_token" && Model == "gemma4"; // the engine adds it there whatever the file says
        var known = file.TryGetUInt32($"tokenizer.ggml.{name}_token_id", out var id) && id < (uint)Count;
        if (adds && !known && (defaultId < 0 || defaultId >= Count))
            throw Bad($"tokenizer.ggml.{flag}", "true", $"false, or a valid tokenizer.ggml.{name}_token_id", Reconvert);
    }

    private bool AddsByDefault() =>
        Model is "llama" or "bert" or "gemma4" || (UsesMerges && file.TryGetString("tokenizer.ggml.pre", out var pre)
            && PreTokenizers.AddsBegin(pre));

    private int DefaultId(string name) => (Model, name) switch
    {
        ("gpt2" or "hybriddna" or "whitespace", _) when file.TryGetString("tokenizer.ggml.pre", out var pre)
            && pre is "glm4" or "chatglm-bpe" && name == "bos" => -1,
        ("gpt2" or "hybriddna" or "whitespace", _) => 11,
        ("llama" or "plamo2", "bos") => 1,
        ("llama" or "plamo2", "eos") => 2,
        ("bert", "bos") => 101,
        ("t5", "eos") => 1,
        _ => -1,
    };

    private bool HasAnyByteToken(TokenSet tokens)
    {
        if (Model is not ("llama" or "t5"))
            return false;
        Span<byte> name = stackalloc byte[6];
        for (var b = 0; b < 256; b++)
        {
            if (tokens.Find(ByteName(b, name)) >= 0)
                return true;
        }

        return false;
    }

    // A vocabulary with some byte tokens must have all: the engine looks them up without a check.
    private void CheckByteTokens(TokenSet tokens)
    {
        Span<byte> name = stackalloc byte[6];
        for (var b = 0; b < 256; b++)
        {
            if (tokens.Find(ByteName(b, name)) < 0 && (Model == "plamo2" || tokens.Find([(byte)b]) < 0))
                throw Bad("tokenizer.ggml.tokens", $"no token {Encoding.ASCII.GetString(name)}", "all 256 byte tokens or none", Reconvert);
        }
    }

    private void CheckCharacterMap()
    {
        if (Model == "t5" && file.TryGetValue("tokenizer.ggml.precompiled_charsmap", out _))
            throw Bad("tokenizer.ggml.precompiled_charsmap", "a normalisation table", "none",
                "Encoder-decoder tokenizers with a table of their own are not served.");
    }

    private static ReadOnlySpan<byte> ByteName(int value, Span<byte> into)
    {
        "<0x00>"u8.CopyTo(into);
        into[3] = (byte)"0123456789ABCDEF"[value >> 4];
        into[4] = (byte)"0123456789ABCDEF"[value & 15];
        return into;
    }

    private GgufValue? Numbers(string key, GgufValueType type)
    {
        var value = Array(key, type);
        if (value is not null && value.Count != Count)
            throw Bad(key, $"{value.Count} numbers", $"{Count}, one per token", Reconvert);
        return value;
    }

    private GgufValue? Array(string key, GgufValueType element)
    {
        if (!file.TryGetValue(key, out var value))
            return null;
        return value.IsArray && value.ElementType == element ? value : throw Bad(key, Describe(value), $"an array of {element}", Reconvert);
    }

    private string Architecture() => file.TryGetString("general.architecture", out var name) ? name : "";

    private static string Describe(GgufValue value) => value.IsArray ? $"{value.Count} {value.ElementType}" : $"{value.Type}";

    private ModelFileException Bad(string key, string found, string allowed, string remedy, long? offset = null) =>
        new(file.Path, key, found, allowed, remedy, offset ?? (file.TryGetValue(key, out var value) ? value.Offset : null));
}
