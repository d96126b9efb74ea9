using System.Globalization;
using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>What a model file says about itself, read before anything is loaded.</summary>
internal sealed record ModelHeader(string Architecture, int EmbeddingLength, int KeyLength, int ValueLength, bool HasPerLayerHeadCounts)
{
    private const int TypeArray = 9;

    // Encoders, diffusion models and helper models: they produce no next token.
    private static readonly HashSet<string> Refused = new(StringComparer.Ordinal)
    {
        "bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert", "gemma-embedding", "llama-embed",
        "t5", "t5encoder", "clip", "wavtokenizer-dec", "dream", "llada", "llada-moe", "rnd1", "dflash", "eagle3", "gemma4-assistant", "pockettts",
    };

    public static ModelHeader Read(string path)
    {
        using var file = GgufHandle.Open(path);
        var architecture = Text(file, "general.architecture") ?? throw new EngineException($"{path} has no general.architecture");
        if (Text(file, "general.type") is { } type && type != "model")
            throw new EngineException($"{path} is of type '{type}', not a model");
        var embedding = (int)(Number(file, $"{architecture}.embedding_length") ?? 0);
        var heads = Number(file, $"{architecture}.attention.head_count");
        var perHead = heads is > 0 ? (int)(embedding / heads.Value) : 0;
        return new ModelHeader(
            architecture, embedding,
            (int)(Number(file, $"{architecture}.attention.key_length") ?? perHead),
            (int)(Number(file, $"{architecture}.attention.value_length") ?? perHead),
            IsArray(file, $"{architecture}.attention.head_count"));
    }

    /// <summary>Throws where this engine cannot serve the architecture or the cache types.</summary>
    public void Verify(GgufEngineOptions options, bool onCuda)
    {
        if (Refused.Contains(Architecture))
            throw new EngineException($"architecture '{Architecture}' does not generate text and is not served");
        if (Architecture == "plamo2" && HasPerLayerHeadCounts)
            throw new EngineException(
                "this plamo2 file gives plamo2.attention.head_count per layer, which llama.cpp v0.5.0 reads as 'no positions'; convert it with a scalar head count");
        VerifyCache(options.KeyType, KeyLength, "key");
        VerifyCache(options.ValueType, ValueLength, "value");
        // Head sizes for which the CUDA backend has flash attention; a quantised V cache works with flash attention alone.
        if (onCuda && options.ValueType != KvCacheType.F16 && ValueLength is not (0 or 40 or 64 or 72 or 80 or 96 or 112 or 128 or 192 or 256 or 320 or 512 or 576))
            throw new EngineException($"value type {options.ValueType}: no CUDA flash-attention kernel for head size {ValueLength}; use F16 values");
    }

    private static void VerifyCache(KvCacheType type, int headSize, string what)
    {
        if (type != KvCacheType.F16 && headSize % 32 != 0)
            throw new EngineException($"{what} type {type} needs head sizes divisible by 32, this model has {headSize.ToString(CultureInfo.InvariantCulture)}; use F16");
    }

    private static unsafe string? Text(GgufHandle file, string key)
    {
        const int typeString = 8;
        var id = LibGgmlBase.gguf_find_key(file, key);
        return id < 0 || LibGgmlBase.gguf_get_kv_type(file, id) != typeString ? null : Marshal.PtrToStringUTF8((nint)LibGgmlBase.gguf_get_val_str(file, id));
    }

    private static bool IsArray(GgufHandle file, string key)
    {
        var id = LibGgmlBase.gguf_find_key(file, key);
        return id >= 0 && LibGgmlBase.gguf_get_kv_type(file, id) == TypeArray;
    }

    // Any integer type up to 64 bits.
    private static unsafe long? Number(GgufHandle file, string key)
    {
        var id = LibGgmlBase.gguf_find_key(file, key);
        if (id < 0)
            return null;
        var type = LibGgmlBase.gguf_get_kv_type(file, id);
        if (type is 8 or TypeArray)
            return null;
        var data = LibGgmlBase.gguf_get_val_data(file, id);
        return type switch
        {
            0 => *(byte*)data,
            1 => *(sbyte*)data,
            2 => *(ushort*)data,
            3 => *(short*)data,
            4 => *(uint*)data,
            5 => *(int*)data,
            10 or 11 => *(long*)data,
            _ => null,
        };
    }
}
