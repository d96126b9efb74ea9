using System.Text.Json;
using System.Xml.Linq;
using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Reports;
using InferenceHost.Cli.Bench.Scenarios;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;
using Spectre.Console;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class ReportTests
{
    [Fact]
    public void JsonIsReadBackAsItWasWritten()
    {
        var report = Report();
        var json = JsonReport.Write(report);
        Assert.Equal(json, JsonReport.Write(JsonReport.Read(json)));
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        Assert.Equal("inferencehost-bench/1", root.GetProperty("format").GetString());
        var ours = root.GetProperty("levels")[0].GetProperty("targets")[0];
        Assert.Equal("ours", ours.GetProperty("target").GetString());
        Assert.Equal(200, ours.GetProperty("tokensPerSecond").GetDouble());
        Assert.Equal(3, ours.GetProperty("tokensPerSecondRounds").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, ours.GetProperty("goodTokensPerSecond").ValueKind);
        Assert.Equal(10, ours.GetProperty("ttft").GetProperty("p50").GetDouble(), 0.1);
        var ratio = root.GetProperty("levels")[0].GetProperty("ratios")[0];
        Assert.Equal(("tokensPerSecond", 2.0), (ratio.GetProperty("metric").GetString(), ratio.GetProperty("median").GetDouble()));
        Assert.Equal("TestCPU | 9000", root.GetProperty("environment").GetProperty("cpu").GetString());
    }

    [Fact]
    public void MarkdownShowsVersionsCommandAndRatios()
    {
        var markdown = MarkdownReport.Write(Report(), "plot a.svg");
        Assert.Contains("```\ninferencehost bench --streams 1,8\n```", markdown, StringComparison.Ordinal);
        Assert.Contains("| yard | llama | b1 \\| x | m.gguf | - |", markdown, StringComparison.Ordinal);
        Assert.Contains("| 8 streams | ours | 200 | - | 2.000 | 10.0 / 10.0 / 10.0 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| 8 streams | yard | 100 | - | 1 |", markdown, StringComparison.Ordinal);
        Assert.Contains("- ours, 8 streams: 3 x Unavailable: a \\| b\n", markdown, StringComparison.Ordinal);
        Assert.Contains("![Throughput and latency](plot%20a.svg)", markdown, StringComparison.Ordinal);
        var rows = markdown.Split('\n').Where(line => line.StartsWith("| 8 streams", StringComparison.Ordinal)).ToList();
        var header = markdown.Split('\n').Single(line => line.StartsWith("| load", StringComparison.Ordinal));
        Assert.All(rows, row => Assert.Equal(header.Count(c => c == '|'), row.Count(c => c == '|')));
    }

    [Fact]
    public void GoodputHasItsColumnOnlyWithAnObjective()
    {
        var report = Report();
        Assert.DoesNotContain("goodput", MarkdownReport.Write(report, null), StringComparison.Ordinal);
        var with = report with { Workload = report.Workload with { SloTtftMs = 100 } };
        Assert.Contains("| goodput (requests/s) |", MarkdownReport.Write(with, null), StringComparison.Ordinal);
        Assert.All(ReportTables.LoadRows(with), row => Assert.Equal(ReportTables.LoadColumns(with).Count, row.Count));
    }

    [Fact]
    public void ScenariosShowTheirLimitsAndWhatMissedThem()
    {
        var scenario = new LongPrefillScenario(new ScenarioSettings(new WorkloadPlan { MaxTokens = 1 }, 8, 4096, TimeSpan.FromSeconds(1)));
        ScenarioSample Sample(double ratio) => new(scenario.Metrics.ToDictionary(metric => metric.Key, _ => ratio), null);
        var summary = ScenarioReport.Of(scenario, [("ours", [Sample(2), Sample(9), Sample(2.5)]), ("yard", [Sample(4), ScenarioSample.Failed("no")])]);
        var report = Report() with { Levels = [], Scenarios = [summary] };
        Assert.Equal(1, report.Failures);
        var row = ReportTables.ScenarioRows(summary).Single(cells => cells[0].StartsWith("p99_ratio", StringComparison.Ordinal));
        Assert.Equal(["<= 3.00", "2.50", "4.00 (missed)"], row.Skip(1));
        Assert.Contains("- yard, long-prefill: no", MarkdownReport.Write(report, null), StringComparison.Ordinal);
        Assert.Equal(JsonReport.Write(report), JsonReport.Write(JsonReport.Read(JsonReport.Write(report))));
    }

    [Fact]
    public void ScreenTakesNamesThatLookLikeMarkup()
    {
        using var writer = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = 220;
        ConsoleReport.Write(console, Report("[red]"));
        Assert.Contains("[red]", writer.ToString(), StringComparison.Ordinal);
        Assert.Contains("2.000", writer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void SvgIsWellFormedAndDrawsEveryFigure()
    {
        XNamespace ns = "http://www.w3.org/2000/svg";
        var svg = XDocument.Parse(SvgReport.Write(Report("<a & b>")));
        Assert.Equal(3, svg.Root!.Elements(ns + "g").Count());
        // Three panels: throughput has one line per target, the latencies two; each line has both levels.
        Assert.Equal(2 * (2 + 4 + 4), svg.Descendants(ns + "circle").Count());
        Assert.Equal(2 + 4 + 4, svg.Descendants(ns + "path").Count());
        Assert.Contains(svg.Descendants(ns + "text"), text => text.Value == "<a & b> p99");
        Assert.All(svg.Descendants(ns + "circle"), circle => Assert.InRange((double)circle.Attribute("cy")!, 34, 285));
    }

    [Fact]
    public void SvgLeavesHolesWhereThereIsNoFigure()
    {
        XNamespace ns = "http://www.w3.org/2000/svg";
        var panel = new PlotPanel("t", "x", true, ["1", "2", "3"], [new PlotSeries("s", "#000", false, [5, null, 0])]);
        var svg = XDocument.Parse(SvgPlot.Draw([panel]));
        Assert.Single(svg.Descendants(ns + "circle"));
        XDocument.Parse(SvgPlot.Draw([panel with { Series = [] }]));
    }

    [Theory]
    [InlineData(new double[] { 3, 517 }, new double[] { 0, 100, 200, 300, 400, 500, 600 })]
    [InlineData(new double[] { 0.4 }, new double[] { 0, 0.1, 0.2, 0.3, 0.4 })]
    [InlineData(new double[] { 0 }, new double[] { 0, 0.2 })]
    public void LinearTicksBeginAtZeroAndHoldTheHighestValue(double[] values, double[] ticks) =>
        Assert.Equal(ticks, PlotScale.For(values.Select(value => (double?)value), logarithmic: false).Ticks.Select(tick => Math.Round(tick, 6)));

    [Theory]
    [InlineData(new double[] { 3, 47 }, new double[] { 2, 5, 10, 20, 50 })]
    [InlineData(new double[] { 0.7 }, new double[] { 0.5, 1 })]
    [InlineData(new double[] { 10 }, new double[] { 10, 20 })]
    [InlineData(new double[] { 0, 100 }, new double[] { 100, 200 })]
    public void LogarithmicTicksHoldAllPositiveValues(double[] values, double[] ticks)
    {
        var scale = PlotScale.For(values.Select(value => (double?)value), logarithmic: true);
        Assert.Equal(ticks, scale.Ticks.Select(tick => Math.Round(tick, 6)));
        Assert.All(values.Where(value => value > 0), value => Assert.InRange(scale.Position(value), 0, 1));
    }

    [Fact]
    public void CpuModelIsThatOfTheFirstProcessor() =>
        Assert.Equal("Example 9000 @ 2.00GHz", EnvironmentInfo.CpuModel(["processor : 0", "model name\t: Example 9000 @ 2.00GHz", "model name\t: other"]));

    private static BenchReport Report(string ours = "ours")
    {
        var environment = new EnvironmentInfo("2026-01-02T03:04:05Z", "TestCPU | 9000", 2, "AVX2", 16, "TestOS", ".NET 10", "0.1.0", "inferencehost bench --streams 1,8");
        var workload = new WorkloadInfo("random token ids, 32 tokens", 64, true, 0, [], true, 3, 1, 1, null, 1, null, null);
        TargetInfo[] targets = [new(ours, "gRPC", "http://127.0.0.1:1/", "0.1.0", "m", null), new("yard", "llama", "http://127.0.0.1:2/", "b1 | x", "m.gguf", null)];
        LevelReport Level(int streams) => LevelReport.Of(new LoadLevel(streams, null),
            [(ours, [Round(200, true), Round(100, true), Round(400, true)]), ("yard", [Round(100), Round(50), Round(200)])], "yard");
        return new BenchReport(BenchReport.CurrentFormat, environment, workload, "yard", targets, [Level(1), Level(8)], []);
    }

    private static RoundResult Round(double tokensPerSecond, bool failing = false)
    {
        var latency = new LatencyHistogram();
        latency.RecordMicroseconds(10_000);
        return new RoundResult
        {
            Requests = 8,
            FailedRequests = failing ? 1 : 0,
            Failures = failing ? new Dictionary<string, int> { ["Unavailable: a | b"] = 1 } : [],
            Tokens = 512,
            CountMismatches = 0,
            PromptTokens = 256,
            CachedPromptTokens = 0,
            Seconds = 512 / tokensPerSecond,
            TokensPerSecond = tokensPerSecond,
            SteadyTokensPerSecond = null,
            RequestsPerSecond = 1,
            GoodRequestsPerSecond = null,
            GoodTokensPerSecond = null,
            ClientCpuMicrosecondsPerToken = 20,
            Ttft = latency,
            InterToken = latency,
            Duration = latency,
        };
    }
}
