using System.Text;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>The report as Markdown.</summary>
internal static class MarkdownReport
{
    /// <summary>Writes it.</summary>
    /// <param name="report">The report.</param>
    /// <param name="plot">File name of the plot to show, or <see langword="null"/>.</param>
    public static string Write(BenchReport report, string? plot)
    {
        var text = new StringBuilder();
        var environment = report.Environment;
        text.Append("# Load test\n\n");
        text.Append($"{environment.DateUtc}, {environment.Cpu}, {environment.Cores} cores, {environment.Simd}, {Figure.Of(environment.MemoryGiB)} GiB, ");
        text.Append($"{environment.OperatingSystem}, {environment.Runtime}, driver {environment.Driver}.\n\n");
        text.Append("```\n").Append(environment.Command).Append("\n```\n\n");
        Table(text, ["target", "protocol", "version", "model", "details"],
            report.Targets.Select(target => (IReadOnlyList<string>)[target.Name, target.Kind, target.Version ?? "-", target.Model ?? "-", target.Details ?? "-"]));
        text.Append($"{Workload(report)}\n\n");
        if (report.Levels.Count > 0) Table(text, ReportTables.LoadColumns(report), ReportTables.LoadRows(report));
        foreach (var scenario in report.Scenarios)
        {
            text.Append($"## {scenario.Name}\n\n{scenario.Description}\n\n");
            Table(text, ReportTables.ScenarioColumns(scenario), ReportTables.ScenarioRows(scenario));
        }
        var notes = ReportTables.Notes(report).ToList();
        foreach (var note in notes) text.Append("- ").Append(Escape(note)).Append('\n');
        if (notes.Count > 0) text.Append('\n');
        if (plot is not null) text.Append($"![Throughput and latency]({Uri.EscapeDataString(plot)})\n");
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static string Workload(BenchReport report)
    {
        var workload = report.Workload;
        var adapters = workload.Adapters.Count == 0 ? "base model" : $"{workload.Adapters.Distinct(StringComparer.Ordinal).Count()} adapters dealt round-robin";
        var end = workload.IgnoreEos ? "tokens" : "tokens at most";
        return $"{workload.Prompts}; {workload.MaxTokens} {end}, temperature {Figure.Of(workload.Temperature)}; {adapters}; " +
            $"{workload.Repetitions} alternating rounds, every other one in reverse order, after {workload.WarmupRounds} of warm-up; ratios are medians of the rounds' ratios, latencies pool all rounds; seed {workload.Seed}.";
    }

    private static void Table(StringBuilder text, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Row(text, columns);
        Row(text, [.. columns.Select(_ => "---")]);
        foreach (var row in rows) Row(text, row);
        text.Append('\n');
    }

    private static void Row(StringBuilder text, IReadOnlyList<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(Escape)).Append(" |\n");

    private static string Escape(string cell) => cell.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
