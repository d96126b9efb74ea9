using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Reports;
using InferenceHost.Cli.Bench.Scenarios;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;
using Spectre.Console;

namespace InferenceHost.Cli.Bench;

/// <summary>One run: connect, warm up, let the targets take turns, report.</summary>
/// <param name="settings">What to run.</param>
/// <param name="console">Takes the tables.</param>
/// <param name="note">Takes progress, line by line.</param>
/// <param name="time">Clock of the report and of the pauses.</param>
internal sealed class BenchSession(BenchSettings settings, IAnsiConsole console, Action<string> note, TimeProvider time)
{
    /// <summary>Runs everything and writes the files.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="BenchException">A target cannot be used.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var targets = settings.Targets.Select(BenchTargetFactory.Create).ToList();
        try
        {
            var report = await MeasureAsync(targets, cancellationToken);
            ConsoleReport.Write(console, report);
            WriteFiles(report);
            return Judge(report);
        }
        finally
        {
            foreach (var target in targets) await target.DisposeAsync();
        }
    }

    private async Task<BenchReport> MeasureAsync(List<IBenchTarget> targets, CancellationToken cancellationToken)
    {
        var environment = EnvironmentInfo.Current(settings.CommandLine, time);
        var infos = new List<TargetInfo>();
        foreach (var target in targets)
        {
            var info = await target.ConnectAsync(settings.Plan.Adapters, cancellationToken);
            infos.Add(info);
            note($"{info.Name}: {info.Kind}, {info.Endpoint}, version {info.Version ?? "unknown"}, {info.Model ?? "unknown model"} {info.Details}");
        }
        var plans = PlanFor(targets, await PlanAsync(targets, cancellationToken));
        List<LevelReport> levels = [];
        List<ScenarioReport> scenarios = [];
        if (settings.Scenario == BenchOptionReader.Load)
        {
            foreach (var level in settings.Levels) levels.Add(await RunLevelAsync(targets, plans, level, cancellationToken));
        }
        else
        {
            scenarios.Add(await RunScenarioAsync(targets, plans, cancellationToken));
        }
        return new BenchReport(BenchReport.CurrentFormat, environment, Describe(plans[0]), settings.Baseline, infos, levels, scenarios);
    }

    private async Task<WorkloadPlan> PlanAsync(List<IBenchTarget> targets, CancellationToken cancellationToken)
    {
        var plan = settings.Plan;
        return plan with { Prompts = await settings.Prompts.CreateAsync(plan.PromptLength is not null || plan.Lengths is not null, targets, cancellationToken) };
    }

    // All targets get the same requests; but where two of them are one server, the second would find its random prompts in the first one's cache.
    private static List<WorkloadPlan> PlanFor(List<IBenchTarget> targets, WorkloadPlan plan) => [.. targets.Select((target, i) =>
    {
        var before = targets.Take(i).Count(other => other.Spec.Endpoint.Authority == target.Spec.Endpoint.Authority);
        return before == 0 ? plan : plan with { Seed = SeededRandom.Derive(plan.Seed, before).NextUInt64() };
    })];

    private async Task<LevelReport> RunLevelAsync(List<IBenchTarget> targets, List<WorkloadPlan> plans, LoadLevel level, CancellationToken cancellationToken)
    {
        var rounds = targets.Select(_ => new List<RoundResult>()).ToList();
        for (var round = -settings.WarmupRounds; round < settings.Repetitions; round++)
        {
            foreach (var i in Turns(targets.Count, round))
            {
                var result = await RunRoundAsync(targets[i], plans[i], level, round, cancellationToken);
                if (round >= 0) rounds[i].Add(result);
                if (settings.Pause > TimeSpan.Zero) await Task.Delay(settings.Pause, time, cancellationToken);
            }
            if (round >= 0) ShowRound(level, round, targets, rounds);
        }
        return LevelReport.Of(level, [.. targets.Select((target, i) => (target.Spec.Name, (IReadOnlyList<RoundResult>)rounds[i]))], settings.Baseline);
    }

    // Every other round in reverse order: who comes later in a round is favoured by a few percent (warm caches, a processor that clocks up).
    private static IEnumerable<int> Turns(int targets, int round) => Enumerable.Range(0, targets).Select(i => round % 2 == 0 ? i : targets - 1 - i);

    private Task<RoundResult> RunRoundAsync(IBenchTarget target, WorkloadPlan plan, LoadLevel level, int round, CancellationToken cancellationToken)
    {
        if (level.Streams is { } streams)
            return LoadRunner.RunClosedAsync(target, plan.Closed(streams, settings.RequestsPerStream, round), settings.Objective, settings.Timeout, cancellationToken);
        var (requests, arrivals) = plan.Open(level.RatePerSecond!.Value, settings.Requests, round);
        return LoadRunner.RunOpenAsync(target, requests, arrivals, settings.Objective, settings.Timeout, cancellationToken);
    }

    private async Task<ScenarioReport> RunScenarioAsync(List<IBenchTarget> targets, List<WorkloadPlan> plans, CancellationToken cancellationToken)
    {
        var scenarios = plans.Select(CreateScenario).ToList();
        var samples = targets.Select(_ => new List<ScenarioSample>()).ToList();
        for (var round = -settings.WarmupRounds; round < settings.Repetitions; round++)
        {
            foreach (var i in Turns(targets.Count, round))
            {
                var sample = await scenarios[i].RunAsync(targets[i], round, cancellationToken);
                if (round >= 0) samples[i].Add(sample);
                if (settings.Pause > TimeSpan.Zero) await Task.Delay(settings.Pause, time, cancellationToken);
            }
            if (round >= 0) note($"{settings.Scenario}, round {round + 1} of {settings.Repetitions} done");
        }
        return ScenarioReport.Of(scenarios[0], [.. targets.Select((target, i) => (target.Spec.Name, (IReadOnlyList<ScenarioSample>)samples[i]))]);
    }

    private IScenario CreateScenario(WorkloadPlan plan)
    {
        var shared = new ScenarioSettings(plan, settings.Levels[0].Streams!.Value, plan.PromptLength!.Value, settings.Timeout);
        return settings.Scenario switch
        {
            "second-request" => new SecondRequestScenario(shared),
            "long-prefill" => new LongPrefillScenario(shared),
            _ => new SharedPrefixScenario(shared),
        };
    }

    private void ShowRound(LoadLevel level, int round, List<IBenchTarget> targets, List<List<RoundResult>> rounds)
    {
        var figures = targets.Select((target, i) => $"{target.Spec.Name} {Figure.Of(rounds[i][^1].TokensPerSecond)}");
        note($"{level.Label}, round {round + 1} of {settings.Repetitions}: {string.Join(", ", figures)} tokens/s");
    }

    private WorkloadInfo Describe(WorkloadPlan plan)
    {
        var closed = settings.Levels[0].Streams is not null;
        return new WorkloadInfo(settings.Prompts.Describe(plan), plan.MaxTokens, plan.IgnoreEos, plan.Temperature, plan.Adapters, plan.CachePrompt,
            settings.Repetitions, settings.WarmupRounds, closed ? settings.RequestsPerStream : null, closed ? null : settings.Requests, plan.Seed,
            settings.Objective.TtftMs, settings.Objective.InterTokenMs);
    }

    private void WriteFiles(BenchReport report)
    {
        WriteFile("--json", settings.JsonPath, () => JsonReport.Write(report));
        WriteFile("--svg", settings.SvgPath, () => SvgReport.Write(report));
        WriteFile("--markdown", settings.MarkdownPath, () => MarkdownReport.Write(report, PlotBesideMarkdown()));
    }

    private string? PlotBesideMarkdown()
    {
        if (settings.SvgPath is not { } svg || settings.MarkdownPath is not { } markdown) return null;
        return Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(markdown))!, Path.GetFullPath(svg));
    }

    private static void WriteFile(string option, string? path, Func<string> text)
    {
        if (path is null) return;
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
            File.WriteAllText(path, text());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BenchException.Option(option, $"{path} cannot be written: {e.Message}");
        }
    }

    private int Judge(BenchReport report)
    {
        if (report.Failures > settings.MaxErrors)
        {
            note($"{report.Failures} requests failed, {settings.MaxErrors} allowed");
            return ExitCode.Failure;
        }
        return RatiosHold(report) & LimitsHold(report) ? ExitCode.Ok : BenchException.RatioMissed;
    }

    private bool RatiosHold(BenchReport report)
    {
        var hold = true;
        foreach (var level in report.Levels)
        {
            if (!settings.MinRatios.TryGetValue(level.Streams ?? level.RatePerSecond ?? 0, out var least)) continue;
            foreach (var target in settings.Targets.Where(target => target.Name != settings.Baseline))
            {
                if (level.ThroughputRatio(target.Name) is { } ratio && ratio >= least) continue;
                note($"{target.Name}, {level.Label}: ratio {Figure.Ratio(level.ThroughputRatio(target.Name))} is below {Figure.Ratio(least)}");
                hold = false;
            }
        }
        return hold;
    }

    // The limits are this product's goals; what others do beside it is only shown.
    private bool LimitsHold(BenchReport report)
    {
        var ours = settings.Targets.Where(target => target.Kind == TargetKind.Grpc).Select(target => target.Name).ToHashSet();
        return !settings.Strict || report.Scenarios.All(scenario => scenario.Targets.All(target => !ours.Contains(target.Target) || target.Held.Values.All(held => held)));
    }
}
