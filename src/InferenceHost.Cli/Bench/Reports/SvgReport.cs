using System.Globalization;
using InferenceHost.Cli.Bench.Measuring;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>The load levels as three plots: throughput, time to first token, inter-token latency.</summary>
internal static class SvgReport
{
    // Okabe and Ito's colours, told apart by nearly everybody.
    private static readonly string[] Colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];

    /// <summary>Draws them.</summary>
    public static string Write(BenchReport report)
    {
        var categories = report.Levels.Select(level => (level.Streams ?? level.RatePerSecond ?? 0).ToString("0.###", CultureInfo.InvariantCulture)).ToList();
        var x = report.Levels.Any(level => level.Streams is null) ? "requests per second" : "concurrent streams";
        return SvgPlot.Draw(
        [
            new PlotPanel("tokens per second (median of rounds)", x, false, categories,
                [.. report.Targets.Select((target, i) => Line(report, target.Name, target.Name, i, false, summary => summary.TokensPerSecond))]),
            new PlotPanel("time to first token (ms)", x, true, categories, Latency(report, summary => summary.Ttft)),
            new PlotPanel("inter-token latency (ms)", x, true, categories, Latency(report, summary => summary.InterToken)),
        ]);
    }

    private static List<PlotSeries> Latency(BenchReport report, Func<TargetSummary, Percentiles?> select)
    {
        var series = new List<PlotSeries>();
        for (var i = 0; i < report.Targets.Count; i++)
        {
            var name = report.Targets[i].Name;
            series.Add(Line(report, name, $"{name} p50", i, false, summary => select(summary)?.P50));
            series.Add(Line(report, name, $"{name} p99", i, true, summary => select(summary)?.P99));
        }
        return series;
    }

    private static PlotSeries Line(BenchReport report, string target, string label, int color, bool dashed, Func<TargetSummary, double?> value) =>
        new(label, Colors[color % Colors.Length], dashed,
            [.. report.Levels.Select(level => level.Targets.FirstOrDefault(summary => summary.Target == target) is { } summary ? value(summary) : null)]);
}
