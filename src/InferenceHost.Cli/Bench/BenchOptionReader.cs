using System.CommandLine;
using System.Globalization;
using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench;

/// <summary>Checks a parsed command line. Every complaint names the option and the value.</summary>
internal sealed class BenchOptionReader(BenchOptions options, ParseResult parsed)
{
    /// <summary>Scenario name of plain load.</summary>
    public const string Load = "load";

    private static readonly Dictionary<string, (int MaxTokens, int? PromptLength)> ScenarioDefaults = new(StringComparer.Ordinal)
    {
        [Load] = (64, null),
        ["second-request"] = (400, 128),
        ["long-prefill"] = (400, 4096),
        ["shared-prefix"] = (64, 1024),
    };

    /// <summary>The settings.</summary>
    /// <exception cref="BenchException">An option is wrong.</exception>
    public BenchSettings Read(string commandLine)
    {
        var targets = TargetSpec.ParseAll(Value(options.Targets) ?? []);
        var scenario = Value(options.Scenario) ?? Load;
        if (!ScenarioDefaults.TryGetValue(scenario, out var defaults))
            throw BenchException.Option("--scenario", $"unknown scenario '{scenario}' ({string.Join(", ", ScenarioDefaults.Keys)})");
        var levels = ReadLevels(scenario);
        var lengths = Value(options.Lengths) is { } text ? LengthDistribution.Parse(text, "--lengths") : null;
        if (lengths is not null && scenario != Load) throw BenchException.Option("--lengths", $"has no meaning in the scenario {scenario}");
        var promptLength = Value(options.PromptLength) is not null ? AtLeast(options.PromptLength, 1) : defaults.PromptLength;
        if (lengths is not null && Value(options.PromptLength) is not null) throw BenchException.Option("--prompt-length", "contradicts --lengths: give one of them");
        var svg = Value(options.Svg);
        if (svg is not null && scenario != Load) throw BenchException.Option("--svg", $"there is nothing to draw for the scenario {scenario}");
        return new BenchSettings
        {
            Targets = targets,
            Baseline = ReadBaseline(targets),
            Scenario = scenario,
            Levels = levels,
            RequestsPerStream = AtLeast(options.RequestsPerStream, 1),
            Requests = AtLeast(options.Requests, 1),
            Repetitions = AtLeast(options.Repetitions, 1),
            WarmupRounds = AtLeast(options.Warmup, 0),
            Pause = TimeSpan.FromMilliseconds(AtLeast(options.PauseMs, 0)),
            Timeout = TimeSpan.FromSeconds(InRange("--timeout", Value(options.TimeoutSeconds), 0.001, 86_400)),
            Objective = new ServiceObjective(Limit(options.SloTtftMs), Limit(options.SloInterTokenMs)),
            MinRatios = ReadMinRatios(levels, scenario),
            Strict = Value(options.Strict),
            MaxErrors = AtLeast(options.MaxErrors, 0),
            Prompts = ReadPrompts(promptLength is not null || lengths is not null),
            Plan = new WorkloadPlan
            {
                PromptLength = promptLength,
                Lengths = lengths,
                MaxPromptTokens = AtLeast(options.MaxPromptTokens, 1),
                MaxTokens = Value(options.MaxTokens) is null ? defaults.MaxTokens : AtLeast(options.MaxTokens, 1),
                Adapters = ReadAdapters(),
                IgnoreEos = Value(options.IgnoreEos),
                Temperature = (float)InRange("--temperature", Value(options.Temperature), 0, 100),
                CachePrompt = Switch(options.CachePrompt),
                Seed = Value(options.Seed),
            },
            JsonPath = Value(options.Json),
            MarkdownPath = Value(options.Markdown),
            SvgPath = svg,
            CommandLine = commandLine,
        };
    }

    private List<LoadLevel> ReadLevels(string scenario)
    {
        if (Value(options.Rate) is { } rates)
        {
            if (scenario != Load) throw BenchException.Option("--rate", $"has no meaning in the scenario {scenario}");
            if (parsed.GetResult(options.Streams) is { Implicit: false }) throw BenchException.Option("--rate", "contradicts --streams: an open loop has no fixed number of streams");
            return [.. Numbers("--rate", rates).Select(rate => new LoadLevel(null, InRange("--rate", rate, 0.001, 100_000)))];
        }
        var streams = Numbers("--streams", Value(options.Streams) ?? "1").Select(value =>
            value is >= 1 and <= 4096 && value == Math.Floor(value) ? (int)value : throw BenchException.Option("--streams", $"'{value}' is not a whole number from 1 to 4096")).ToList();
        if (streams.Distinct().Count() != streams.Count) throw BenchException.Option("--streams", "a level is given twice");
        if (scenario != Load && streams.Count > 1) throw BenchException.Option("--streams", $"the scenario {scenario} takes one number");
        return [.. streams.Select(count => new LoadLevel(count, null))];
    }

    private string ReadBaseline(IReadOnlyList<TargetSpec> targets)
    {
        if (Value(options.Baseline) is not { } name) return (targets.FirstOrDefault(target => target.Kind != TargetKind.Grpc) ?? targets[0]).Name;
        return targets.Any(target => target.Name == name) ? name
            : throw BenchException.Option("--baseline", $"no target is called '{name}' ({string.Join(", ", targets.Select(target => target.Name))})");
    }

    private PromptSettings ReadPrompts(bool withLength)
    {
        var (ids, text, file, lines) = (Value(options.PromptIds), Value(options.PromptText), Value(options.PromptFile), Value(options.Prompts));
        if (new[] { ids, text, file, lines }.Count(value => value is not null) > 1)
            throw BenchException.Option("--prompt-ids, --prompt-text, --prompt-file, --prompts", "give at most one of them");
        if ((ids ?? text) is not null && withLength) throw BenchException.Option(ids is null ? "--prompt-text" : "--prompt-ids", "a fixed prompt has its own length: leave out lengths and scenarios");
        var vocabulary = AtLeast(options.Vocabulary, RandomIdPrompts.LowestId + 1);
        if (ids is not null)
            return new PromptSettings([.. Numbers("--prompt-ids", ids).Select(id => id is >= 0 and <= int.MaxValue && id == Math.Floor(id) ? (int)id
                : throw BenchException.Option("--prompt-ids", $"'{id}' is no token id"))], null, null, vocabulary);
        if (text is not null) return new PromptSettings(null, [text.Length > 0 ? text : throw BenchException.Option("--prompt-text", "is empty")], "the command line", vocabulary);
        if (file is not null) return new PromptSettings(null, [PromptFile.ReadText(file, "--prompt-file")], Path.GetFileName(file), vocabulary);
        return lines is null ? new PromptSettings(null, null, null, vocabulary)
            : new PromptSettings(null, PromptFile.ReadJsonLines(lines, "--prompts"), Path.GetFileName(lines), vocabulary);
    }

    private string[] ReadAdapters()
    {
        if (Value(options.Adapters) is not { } text) return [];
        var names = text.Split(',', StringSplitOptions.TrimEntries);
        return names.All(name => name.Length > 0) ? names : throw BenchException.Option("--adapters", $"'{text}' has an empty name");
    }

    private Dictionary<double, double> ReadMinRatios(List<LoadLevel> levels, string scenario)
    {
        const string name = "--min-ratio";
        if (Value(options.MinRatio) is not { } text) return [];
        if (scenario != Load) throw BenchException.Option(name, $"has no meaning in the scenario {scenario}");
        if (!text.Contains('=', StringComparison.Ordinal))
        {
            var ratio = InRange(name, Number(name, text), 0, 1e6);
            return levels.ToDictionary(level => level.Value, _ => ratio);
        }
        var ratios = new Dictionary<double, double>();
        foreach (var part in text.Split(','))
        {
            var sides = part.Split('=');
            if (sides.Length != 2) throw BenchException.Option(name, $"'{part}' is not LEVEL=RATIO");
            var level = Number(name, sides[0]);
            if (!levels.Exists(known => known.Value.Equals(level))) throw BenchException.Option(name, $"'{part}': {sides[0]} is no level of this run");
            ratios[level] = InRange(name, Number(name, sides[1]), 0, 1e6);
        }
        return ratios;
    }

    private T? Value<T>(Option<T> option) => parsed.GetValue(option);

    private int AtLeast(Option<int> option, int low) => Value(option) is var value && value >= low ? value
        : throw BenchException.Option(option.Name, $"'{value}' is less than {low}");

    private int AtLeast(Option<int?> option, int low) => Value(option) is { } value && value >= low ? value
        : throw BenchException.Option(option.Name, $"'{Value(option)}' is less than {low}");

    private double? Limit(Option<double?> option) => Value(option) is not { } value ? null
        : double.IsFinite(value) && value > 0 ? value : throw BenchException.Option(option.Name, $"'{value}' is no positive number of milliseconds");

    private bool Switch(Option<string> option) => Value(option) switch
    {
        "on" => true,
        "off" => false,
        var other => throw BenchException.Option(option.Name, $"'{other}': on or off"),
    };

    private static double InRange(string name, double value, double low, double high) => value >= low && value <= high ? value
        : throw BenchException.Option(name, string.Create(CultureInfo.InvariantCulture, $"'{value}' is not within {low} to {high}"));

    private static double Number(string name, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value
            : throw BenchException.Option(name, $"'{text}' is not a number");

    private static IEnumerable<double> Numbers(string name, string text) => text.Split(',', StringSplitOptions.TrimEntries).Select(part => Number(name, part)).ToList();
}
