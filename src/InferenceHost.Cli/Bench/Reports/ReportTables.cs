namespace InferenceHost.Cli.Bench.Reports;

/// <summary>The tables that screen and Markdown show alike.</summary>
internal static class ReportTables
{
    /// <summary>Columns of <see cref="LoadRows"/>.</summary>
    public static IReadOnlyList<string> LoadColumns(BenchReport report)
    {
        List<string> columns =
        [
            "load", "target", "tokens/s", "steady tokens/s", $"ratio to {report.Baseline}",
            "TTFT p50 / p95 / p99 (ms)", "inter-token p50 / p95 / p99 (ms)", "failed", "client us/token",
        ];
        if (HasObjective(report)) columns.Insert(5, "goodput (requests/s)");
        return columns;
    }

    /// <summary>One row per level and target.</summary>
    public static IEnumerable<IReadOnlyList<string>> LoadRows(BenchReport report)
    {
        foreach (var level in report.Levels)
        {
            foreach (var target in level.Targets)
            {
                List<string> row =
                [
                    level.Label, target.Target, Figure.Of(target.TokensPerSecond), Figure.Of(target.SteadyTokensPerSecond),
                    target.Target == report.Baseline ? "1" : Figure.Ratio(level.ThroughputRatio(target.Target)),
                    Triple(target.Ttft), Triple(target.InterToken), $"{target.FailedRequests} of {target.Requests}",
                    Figure.Of(target.ClientCpuMicrosecondsPerToken),
                ];
                if (HasObjective(report)) row.Insert(5, Figure.Of(target.GoodRequestsPerSecond));
                yield return row;
            }
        }
    }

    /// <summary>Columns of <see cref="ScenarioRows"/>.</summary>
    public static IReadOnlyList<string> ScenarioColumns(ScenarioReport scenario) =>
        ["figure (median)", "limit", .. scenario.Targets.Select(target => target.Target)];

    /// <summary>One row per figure.</summary>
    public static IEnumerable<IReadOnlyList<string>> ScenarioRows(ScenarioReport scenario) => scenario.Metrics.Select(metric => (IReadOnlyList<string>)
    [
        $"{metric.Key}: {metric.Description}",
        metric.Limit is { } limit ? $"<= {Figure.Of(limit)}" : "",
        .. scenario.Targets.Select(target => Figure.Of(target.Medians[metric.Key]) + (target.Held.TryGetValue(metric.Key, out var held) && !held ? " (missed)" : "")),
    ]);

    /// <summary>What the reader of the figures has to know besides them: failures, token counts that differ, cached prompts.</summary>
    public static IEnumerable<string> Notes(BenchReport report)
    {
        foreach (var level in report.Levels)
        {
            foreach (var target in level.Targets)
            {
                foreach (var (text, count) in target.Failures) yield return $"{target.Target}, {level.Label}: {count} x {text}";
                if (target.CountMismatches > 0)
                    yield return $"{target.Target}, {level.Label}: {target.CountMismatches} requests streamed another number of tokens than the server counts; the server's count is used";
                if (target.CachedPromptTokens > 0)
                    yield return $"{target.Target}, {level.Label}: {target.CachedPromptTokens} of {target.PromptTokens} prompt tokens came from a cache";
            }
        }
        foreach (var scenario in report.Scenarios)
        {
            foreach (var target in scenario.Targets)
            {
                foreach (var failure in target.Failures) yield return $"{target.Target}, {scenario.Name}: {failure}";
            }
        }
    }

    private static bool HasObjective(BenchReport report) => report.Workload.SloTtftMs is not null || report.Workload.SloInterTokenMs is not null;

    private static string Triple(Measuring.Percentiles? latency) =>
        latency is null ? "-" : $"{Figure.Of(latency.P50)} / {Figure.Of(latency.P95)} / {Figure.Of(latency.P99)}";
}
