namespace InferenceHost.Cli.Bench.Targets;

/// <summary>One <c>--target</c>: <c>KIND=URL[,name=LABEL][,adapters=on|off][,cache=on|off][,api=completions|chat]</c>.</summary>
/// <param name="Kind">Protocol.</param>
/// <param name="Endpoint">Base address; for <see cref="TargetKind.OpenAi"/> up to and including <c>/v1</c>.</param>
/// <param name="Name">Label in every output; unique within a run.</param>
/// <param name="UseAdapters">Whether the adapters of <c>--adapters</c> are sent to this target; off = base model only.</param>
/// <param name="CachePrompt">Overrides <c>--cache-prompt</c>; <see langword="null"/> = as there.</param>
/// <param name="Chat">Only <see cref="TargetKind.OpenAi"/>: drive the chat endpoint.</param>
internal sealed record TargetSpec(TargetKind Kind, Uri Endpoint, string Name, bool UseAdapters, bool? CachePrompt, bool Chat)
{
    private const string Option = "--target";

    /// <summary>Parses the values of all <c>--target</c> options and makes their names unique.</summary>
    /// <exception cref="BenchException">A value is malformed, or two targets carry the same given name.</exception>
    public static IReadOnlyList<TargetSpec> ParseAll(IReadOnlyList<string> values)
    {
        if (values.Count == 0) throw BenchException.Option(Option, "at least one is needed, e.g. --target grpc=http://127.0.0.1:50051");
        var specs = new List<TargetSpec>(values.Count);
        foreach (var value in values)
        {
            var (spec, named) = Parse(value);
            if (specs.Exists(other => other.Name == spec.Name))
            {
                if (named) throw BenchException.Option(Option, $"the name '{spec.Name}' is given twice");
                spec = spec with { Name = $"{spec.Name}-{specs.Count + 1}" };
            }
            specs.Add(spec);
        }
        return specs;
    }

    private static (TargetSpec Spec, bool Named) Parse(string value)
    {
        var parts = value.Split(',', StringSplitOptions.TrimEntries);
        var equals = parts[0].IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0) throw BenchException.Option(Option, $"'{value}' is not KIND=URL (kinds: grpc, llama, openai)");
        var kind = ParseKind(parts[0][..equals]);
        var address = parts[0][(equals + 1)..];
        if (!Uri.TryCreate(address, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
            throw BenchException.Option(Option, $"'{address}' is not an http:// or https:// address");

        var spec = new TargetSpec(kind, endpoint, DefaultName(kind), UseAdapters: true, CachePrompt: null, Chat: false);
        var named = false;
        foreach (var part in parts.AsSpan(1))
        {
            var (key, text) = part.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? (part[..at], part[(at + 1)..]) : (part, "");
            spec = key switch
            {
                "name" when text.Length > 0 => spec with { Name = text },
                "adapters" => spec with { UseAdapters = Switch(key, text) },
                "cache" => spec with { CachePrompt = Switch(key, text) },
                "api" when kind == TargetKind.OpenAi && text is "completions" or "chat" => spec with { Chat = text == "chat" },
                _ => throw BenchException.Option(Option, $"'{part}' is not a setting of a {DefaultName(kind)} target " +
                    "(name=LABEL, adapters=on|off, cache=on|off, for openai also api=completions|chat)"),
            };
            named |= key == "name";
        }
        return (spec, named);
    }

    private static TargetKind ParseKind(string kind) => kind switch
    {
        "grpc" => TargetKind.Grpc,
        "llama" => TargetKind.Llama,
        "openai" => TargetKind.OpenAi,
        _ => throw BenchException.Option(Option, $"unknown kind '{kind}' (grpc, llama, openai)"),
    };

    private static string DefaultName(TargetKind kind) => kind switch
    {
        TargetKind.Grpc => "inferencehost",
        TargetKind.Llama => "llama-server",
        _ => "openai",
    };

    private static bool Switch(string key, string text) => text switch
    {
        "on" => true,
        "off" => false,
        _ => throw BenchException.Option(Option, $"'{key}={text}': on or off"),
    };
}
