using System.Globalization;
using InferenceHost.Core.Execution;
using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Engines.Gguf;

/// <summary>What a model file says about itself, read before anything is loaded.</summary>
internal sealed record ModelHeader(string Architecture, int KeyLength, int ValueLength, bool HasPerLayerHeadCounts)
{
    // Encoders, diffusion models and helper models: they produce no next token.
    private static readonly HashSet<string> Refused = new(StringComparer.Ordinal)
    {
        "bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert", "gemma-embedding", "llama-embed",
        "t5", "t5encoder", "clip", "wavtokenizer-dec", "dream", "llada", "llada-moe", "rnd1", "dflash", "eagle3", "gemma4-assistant", "pockettts",
    };

    /// <summary>The tensors of the file; of a split model those of all parts that are there.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; init; } = [];

    public static ModelHeader Read(string path)
    {
        try
        {
            using var file = GgufFile.Open(path);
            if (!file.TryGetString("general.architecture", out var architecture))
                throw new EngineException($"{path} has no general.architecture");
            if (file.TryGetString("general.type", out var type) && type != "model")
                throw new EngineException($"{path} is of type '{type}', not a model");
            var headCounts = $"{architecture}.attention.head_count";
            var perLayer = file.TryGetValue(headCounts, out var counts) && counts.IsArray;
            var perHead = 0L;
            if (!perLayer && file.TryGetInteger(headCounts, out var heads) && heads > 0 && file.TryGetInteger($"{architecture}.embedding_length", out var width))
                perHead = width / heads;
            return new ModelHeader(
                architecture,
                (int)(file.TryGetInteger($"{architecture}.attention.key_length", out var key) ? key : perHead),
                (int)(file.TryGetInteger($"{architecture}.attention.value_length", out var value) ? value : perHead),
                perLayer)
            {
                Tensors = AllTensors(file),
            };
        }
        catch (ModelFileException refused)
        {
            throw new EngineException(refused.Message, refused);
        }
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

    private static List<GgufTensor> AllTensors(GgufFile first)
    {
        var tensors = new List<GgufTensor>(first.Tensors);
        if (!first.TryGetInteger("split.count", out var parts) || parts < 2)
            return tensors;
        for (var part = 2; part <= parts; part++)
        {
            using var file = GgufFile.Open(first.Path.Replace("-00001-of-", string.Create(CultureInfo.InvariantCulture, $"-{part:00000}-of-"), StringComparison.Ordinal));
            tensors.AddRange(file.Tensors);
        }
        return tensors;
    }

    private static void VerifyCache(KvCacheType type, int headSize, string what)
    {
        if (type != KvCacheType.F16 && headSize % 32 != 0)
            throw new EngineException($"{what} type {type} needs head sizes divisible by 32, this model has {headSize.ToString(CultureInfo.InvariantCulture)}; use F16");
    }
}
