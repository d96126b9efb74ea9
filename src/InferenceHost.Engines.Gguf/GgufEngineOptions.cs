using InferenceHost.Engines.Gguf.Adapters;

namespace InferenceHost.Engines.Gguf;

/// <summary>How a GGUF model is loaded. Checked whole by <see cref="GgufEngine.Load"/>.</summary>
public sealed record GgufEngineOptions
{
    /// <summary>The model file; of a split model the first part.</summary>
    public required string ModelPath { get; init; }

    /// <summary>Where it runs.</summary>
    public GgufDevice Device { get; init; }

    /// <summary>KV cells shared by all sequences; rounded up to a multiple of 256 by llama.cpp. 1..16,777,216.</summary>
    public int ContextTokens { get; init; } = 8192;

    /// <summary>Sequence numbers, 1..256 (llama.cpp's own limit).</summary>
    public int MaxSequences { get; init; } = 32;

    /// <summary>Sequences that run together; null = <see cref="MaxSequences"/>. Models whose memory cannot share prefixes get no more numbers than this: each costs them a state.</summary>
    public int? Parallel { get; init; }

    /// <summary>Rows of one engine call at most, 1..65,536.</summary>
    public int BatchTokens { get; init; } = 512;

    /// <summary>Rows of one engine call whose logits can be asked for; at least <see cref="MaxSequences"/>, which is also the default (0).</summary>
    public int MaxOutputs { get; init; }

    /// <summary>Compute threads; 0 = one per physical core. Never more than the cores this process may use: ggml's threads spin.</summary>
    public int Threads { get; init; }

    /// <summary>Element type of the keys.</summary>
    public KvCacheType KeyType { get; init; }

    /// <summary>Element type of the values; anything but F16 needs flash attention.</summary>
    public KvCacheType ValueType { get; init; }

    /// <summary>Whether weights are repacked for the CPU's interleaved kernels (needs a copy in memory, several times the speed).</summary>
    public bool InterleavedKernels { get; init; } = true;

    /// <summary>Whether a token is decoded and forgotten at load, so that the first request does not pay for cold pages.</summary>
    public bool WarmUp { get; init; } = true;

    /// <summary>Whether attention on the CPU is computed by our kernel, which leaves out the cells of other sequences, wherever it agrees with ggml's.</summary>
    public bool OwnAttention { get; init; } = true;

    /// <summary>Whether products with quantised weights are computed by our kernel on processors with AVX2 or AVX-512 VNNI, wherever it agrees with ggml's.</summary>
    public bool OwnProducts { get; init; } = true;

    /// <summary>Adapter slots beside the base model, 0..4,096; 0 switches adapters off.</summary>
    public int AdapterSlots { get; init; }

    /// <summary>How adapters reach the rows of a batch.</summary>
    public AdapterRouting AdapterRouting { get; init; }

    /// <summary>How their weights are kept where rows are routed.</summary>
    public AdapterStorage AdapterStorage { get; init; }

    /// <summary>
    /// Highest rank of an adapter where the weights of all slots lie in stacks (CUDA), 1..4,096: memory for it is taken at load, for every slot. Elsewhere any rank is served.
    /// </summary>
    public int AdapterRank { get; init; } = 64;

    /// <summary>How long copying an adapter into stacks may hold up a step.</summary>
    internal TimeSpan AdapterCopyTime { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>How long nobody has used an adapter when graphs on a GPU are planned without them: all streams wait tens of milliseconds for it.</summary>
    internal TimeSpan StackedRestAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether adapters are multiplied through stacks on the CPU too. For tests and measurements.</summary>
    internal bool StackedAdapters { get; init; }

    /// <summary>Vector width of our kernels in bits, 128, 256 or 512; 0 = the best one of the processor. For tests and measurements.</summary>
    internal int KernelBits { get; init; }
}
