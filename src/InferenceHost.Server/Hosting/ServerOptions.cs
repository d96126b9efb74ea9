namespace InferenceHost.Server.Hosting;

/// <summary>
/// Everything the server is told at start. Immutable; verified whole by <see cref="Validate"/> before anything is opened.
/// 0 means "chosen by the server" where a property says so.
/// </summary>
public sealed record ServerOptions
{
    /// <summary>Path of a GGUF file or a name of the catalogue; null = the embedded default model.</summary>
    public string? Model { get; init; }

    /// <summary>Folder of the catalogue (models with their manifests); null = the <c>models</c> folder beside the executable or above it.</summary>
    public string? ModelsDirectory { get; init; }

    /// <summary>Adapters to register at start.</summary>
    public IReadOnlyList<AdapterSource> Adapters { get; init; } = [];

    /// <summary>gRPC listener: cleartext HTTP/2. <c>http://HOST:PORT</c> (port 0 = any free one) or <c>unix:/path</c>.</summary>
    public string Listen { get; init; } = "http://127.0.0.1:50051";

    /// <summary>Second listener with HTTP/1.1 and JSON transcoding for plain HTTP clients; null = none.</summary>
    public string? ListenHttp { get; init; }

    /// <summary><c>auto</c>, <c>cpu</c> or <c>cuda</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>KV cells shared by all sequences, tokens; 0 = chosen by the engine. At most 16,777,216.</summary>
    public int ContextTokens { get; init; }

    /// <summary>Sequences decoded together, 1 .. 256.</summary>
    public int Parallel { get; init; } = 32;

    /// <summary>Threads of the engine, 0 .. 1,024; 0 = one per core.</summary>
    public int Threads { get; init; }

    /// <summary>Tokens of one engine call at most, 0 .. 65,536; 0 = chosen by the engine.</summary>
    public int BatchTokens { get; init; }

    /// <summary>Type of cached keys: <c>f16</c>, <c>q8_0</c> or <c>q4_0</c>.</summary>
    public string CacheTypeK { get; init; } = "f16";

    /// <summary>Type of cached values: <c>f16</c>, <c>q8_0</c> or <c>q4_0</c>.</summary>
    public string CacheTypeV { get; init; } = "f16";

    /// <summary>Adapters that can be in use at the same time, 0 .. 255; null = as many as are given at start, at least 8.</summary>
    public int? AdapterSlots { get; init; }

    /// <summary>Highest rank of an adapter on a GPU, where memory for all slots is taken when the model is loaded, 1 .. 4,096; 0 = 64. The CPU takes any rank.</summary>
    public int AdapterRank { get; init; }

    /// <summary>How the weights of adapters are kept in slots: <c>q8_0</c> (half the memory to read for each token) or <c>f16</c>, as in their files. Where adapters are grouped, they are as in their files.</summary>
    public string AdapterType { get; init; } = "q8_0";

    /// <summary>Host memory for adapters that are not in a slot, bytes; 0 = chosen by the engine.</summary>
    public long AdapterMemoryBytes { get; init; }

    /// <summary>
    /// Disk space for adapter files, bytes. A generation whose name was pointed elsewhere stays on disk, so that one can go back to it, until its room is needed; the one unused for longest goes
    /// first. A file that does not fit beside those with names is refused.
    /// </summary>
    public long AdapterDiskBytes { get; init; } = 64L << 30;

    /// <summary>Aimed-at time between two tokens of a stream, milliseconds, 0 .. 60,000; 0 = from the measured step time.</summary>
    public int TargetInterTokenMs { get; init; }

    /// <summary>Keep prompts' cells for later prompts that begin alike.</summary>
    public bool PrefixCache { get; init; } = true;

    /// <summary>Host memory for the states of preempted sequences, bytes; 0 = they are computed again, null = chosen by the engine: 1 GiB, at most a quarter of what is available.</summary>
    public long? SwapMemoryBytes { get; init; }

    /// <summary>Guess tokens by prompt look-up and verify them in one step.</summary>
    public bool Speculation { get; init; } = true;

    /// <summary>Requests that may wait, all tenants together, 0 .. 1,000,000; 0 = chosen by the engine.</summary>
    public int QueueLimit { get; init; }

    /// <summary>A write to a client that makes no progress for this long ends its stream; 0.05 s .. 1 h.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Time running streams have when the server is told to end, 0 .. 1 h.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Bytes of the longest request message, 1 KiB .. 64 MiB (chunks of uploads included).</summary>
    public int MaxReceiveMessageBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Bytes of the longest response message, 1 KiB .. 64 MiB.</summary>
    public int MaxSendMessageBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Calls that one connection may have open at a time, 1 .. 65,536.</summary>
    public int MaxCallsPerConnection { get; init; } = 4096;

    /// <summary>Serve <c>grpc.reflection</c>, so that tools need no .proto files.</summary>
    public bool Reflection { get; init; } = true;

    /// <summary>Chat template to use in place of the model's own; null = the model's.</summary>
    public string? ChatTemplatePath { get; init; }

    /// <summary>Executable (or .dll) of the engine process; null = <c>inferencehost-worker</c> beside the server.</summary>
    public string? WorkerPath { get; init; }

    /// <summary>Folder of the native libraries; null = found by the engine process.</summary>
    public string? NativeDirectory { get; init; }

    /// <summary>Folder where adapters are kept over restarts; null = a private folder that is removed at the end.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Silence of the engine process after which it counts as hung, 0.2 s .. 1 h.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Length of one engine call after which the process counts as hung, 1 s .. 24 h.</summary>
    public TimeSpan StepTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Log informational messages too (standard error); never prompt or completion text.</summary>
    public bool Verbose { get; init; }

    /// <summary>Verifies every field.</summary>
    /// <exception cref="StartupException">Fields are out of range; the message names all of them with what was found and what is allowed.</exception>
    public void Validate() => ServerOptionsValidator.Validate(this);
}
