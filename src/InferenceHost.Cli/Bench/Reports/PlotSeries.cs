namespace InferenceHost.Cli.Bench.Reports;

/// <summary>One line of a plot.</summary>
/// <param name="Name">Text in the legend.</param>
/// <param name="Color">CSS colour.</param>
/// <param name="Dashed">Dashed instead of solid.</param>
/// <param name="Values">One value per category; <see langword="null"/> leaves a hole.</param>
internal sealed record PlotSeries(string Name, string Color, bool Dashed, IReadOnlyList<double?> Values);
