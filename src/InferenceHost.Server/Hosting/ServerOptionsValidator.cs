using InferenceHost.Server.Adapters;

namespace InferenceHost.Server.Hosting;

/// <summary>Verifies <see cref="ServerOptions"/> whole: every field that is out of range is named with both numbers.</summary>
internal static class ServerOptionsValidator
{
    private static readonly string[] s_devices = ["auto", "cpu", "cuda"];
    private static readonly string[] s_cacheTypes = ["f16", "q8_0", "q4_0"];
    private static readonly string[] s_adapterTypes = ["q8_0", "f16"];

    public static void Validate(ServerOptions options)
    {
        var errors = new List<string>();
        Listeners(options, errors);
        Engine(options, errors);
        Limits(options, errors);
        Files(options, errors);
        if (errors.Count > 0)
            throw new StartupException(string.Join("; ", errors), "Correct the options named above; --help lists them with their ranges.", StartupException.UsageExitCode);
    }

    private static void Listeners(ServerOptions options, List<string> errors)
    {
        if (!ListenAddress.TryParse(options.Listen, out _, out var error))
            errors.Add($"listen: found '{options.Listen}', {error}");
        if (options.ListenHttp is not { } http)
            return;
        if (!ListenAddress.TryParse(http, out _, out error))
            errors.Add($"listen-http: found '{http}', {error}");
    }

    private static void Engine(ServerOptions options, List<string> errors)
    {
        OneOf("device", options.Device, s_devices, errors);
        OneOf("cache-type-k", options.CacheTypeK, s_cacheTypes, errors);
        OneOf("cache-type-v", options.CacheTypeV, s_cacheTypes, errors);
        Range("context", options.ContextTokens, 0, 16_777_216, errors);
        Range("parallel", options.Parallel, 1, 256, errors);
        Range("threads", options.Threads, 0, 1024, errors);
        Range("batch", options.BatchTokens, 0, 65_536, errors);
        Range("adapter-slots", options.AdapterSlots ?? 0, 0, 255, errors);
        OneOf("adapter-type", options.AdapterType, s_adapterTypes, errors);
        Range("adapter-rank", options.AdapterRank, 0, 4096, errors);
        Range("adapter-memory", options.AdapterMemoryBytes, 0, 1L << 50, errors);
        Range("adapter-disk", options.AdapterDiskBytes, 1, 1L << 50, errors);
        Range("swap-memory", options.SwapMemoryBytes ?? 0, 0, 1L << 50, errors);
        Range("target-inter-token-ms", options.TargetInterTokenMs, 0, 60_000, errors);
        Range("queue-limit", options.QueueLimit, 0, 1_000_000, errors);
        if (options.ContextTokens is > 0 and < 64)
            errors.Add($"context: found {options.ContextTokens}, allowed 0 (chosen by the engine) or 64 .. 16777216");
    }

    private static void Limits(ServerOptions options, List<string> errors)
    {
        Range("stall-timeout", options.StallTimeout.TotalSeconds, 0.05, 3600, errors);
        Range("drain-timeout", options.DrainTimeout.TotalSeconds, 0, 3600, errors);
        Range("heartbeat-timeout", options.HeartbeatTimeout.TotalSeconds, 0.2, 3600, errors);
        Range("step-timeout", options.StepTimeout.TotalSeconds, 1, 86_400, errors);
        Range("max-receive-message", options.MaxReceiveMessageBytes, 1024, 64 * 1024 * 1024, errors);
        Range("max-send-message", options.MaxSendMessageBytes, 1024, 64 * 1024 * 1024, errors);
        Range("max-calls-per-connection", options.MaxCallsPerConnection, 1, 65_536, errors);
    }

    private static void Files(ServerOptions options, List<string> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var adapter in options.Adapters)
        {
            if (!AdapterNames.IsValid(adapter.Name))
                errors.Add($"adapter: found the name '{adapter.Name}', allowed {AdapterNames.Rule}");
            if (!names.Add(adapter.Name))
                errors.Add($"adapter: found '{adapter.Name}' twice, allowed once");
            if (!File.Exists(adapter.Path))
                errors.Add($"adapter {adapter.Name}: found no file at '{adapter.Path}'");
        }
        if (options.Adapters.Count > 0 && options.AdapterSlots == 0)
            errors.Add($"adapter-slots: found 0 with {options.Adapters.Count} adapters, allowed 1 .. 255");
        if (options.ChatTemplatePath is { } template && !File.Exists(template))
            errors.Add($"chat-template: found no file at '{template}'");
        if (options.ModelsDirectory is { } models && !Directory.Exists(models))
            errors.Add($"models-dir: found no folder at '{models}'");
    }

    private static void OneOf(string field, string found, string[] allowed, List<string> errors)
    {
        if (!allowed.Contains(found, StringComparer.Ordinal))
            errors.Add($"{field}: found '{found}', allowed {string.Join(", ", allowed)}");
    }

    private static void Range(string field, double found, double min, double max, List<string> errors)
    {
        if (!(found >= min && found <= max))
            errors.Add($"{field}: found {found}, allowed {min} .. {max}");
    }
}
