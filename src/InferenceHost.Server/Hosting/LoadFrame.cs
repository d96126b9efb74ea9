using InferenceHost.Server.Catalogue;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Hosting;

/// <summary>What the options say about loading a model, as a frame.</summary>
internal static class LoadFrame
{
    // Adapters may be uploaded later: this many slots are kept for them.
    private const int UsualAdapterSlots = 8;
    private const int MostAdapterSlots = 32;

    public static Wire.LoadModel Build(ServerOptions options, ServedModel model)
    {
        var frame = Required(options, model);
        if (options.SwapMemoryBytes is { } swap) frame.SwapMemoryBytes = swap;
        return frame;
    }

    private static Wire.LoadModel Required(ServerOptions options, ServedModel model) => new()
    {
        Path = model.Path,
        Device = options.Device,
        ContextTokens = options.ContextTokens,
        Parallel = options.Parallel,
        Threads = options.Threads,
        CacheTypeK = options.CacheTypeK,
        CacheTypeV = options.CacheTypeV,
        BatchTokens = options.BatchTokens,
        AdapterSlots = options.AdapterSlots ?? Math.Clamp(options.Adapters.Count, UsualAdapterSlots, MostAdapterSlots),
        AdapterRank = options.AdapterRank,
        AdapterType = options.AdapterType,
        AdapterMemoryBytes = options.AdapterMemoryBytes,
        TargetInterTokenMs = options.TargetInterTokenMs,
        PrefixCache = options.PrefixCache,
        Speculation = options.Speculation,
        QueueLimit = options.QueueLimit,
        NativeDirectory = options.NativeDirectory ?? "",
    };
}
