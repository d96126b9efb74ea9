using Spectre.Console;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>The report on the screen.</summary>
internal static class ConsoleReport
{
    /// <summary>Shows it.</summary>
    public static void Write(IAnsiConsole console, BenchReport report)
    {
        console.MarkupLineInterpolated($"[dim]{report.Environment.Cpu}, {report.Environment.Cores} cores, {report.Environment.Simd}; {report.Workload.Prompts}[/]");
        if (report.Levels.Count > 0) Table(console, ReportTables.LoadColumns(report), ReportTables.LoadRows(report));
        foreach (var scenario in report.Scenarios)
        {
            console.MarkupLineInterpolated($"[bold]{scenario.Name}[/]: {scenario.Description}");
            Table(console, ReportTables.ScenarioColumns(scenario), ReportTables.ScenarioRows(scenario));
        }
        foreach (var note in ReportTables.Notes(report)) console.MarkupLineInterpolated($"[yellow]note[/] {note}");
    }

    private static void Table(IAnsiConsole console, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)));
        foreach (var row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
        console.Write(table);
    }
}
