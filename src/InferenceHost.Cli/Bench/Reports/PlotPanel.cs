namespace InferenceHost.Cli.Bench.Reports;

/// <summary>One plot: lines over categories.</summary>
/// <param name="Title">What is shown, with its unit.</param>
/// <param name="XLabel">What the categories are.</param>
/// <param name="Logarithmic">Logarithmic value axis; for latencies, which span decades.</param>
/// <param name="Categories">Labels of the places on the x axis, evenly spaced.</param>
/// <param name="Series">The lines.</param>
internal sealed record PlotPanel(string Title, string XLabel, bool Logarithmic, IReadOnlyList<string> Categories, IReadOnlyList<PlotSeries> Series);
