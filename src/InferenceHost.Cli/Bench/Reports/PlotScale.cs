namespace InferenceHost.Cli.Bench.Reports;

/// <summary>A value axis: its range, its ticks at 1, 2 and 5 times powers of ten, and where a value lies on it.</summary>
internal sealed class PlotScale
{
    private readonly bool _logarithmic;

    private PlotScale(bool logarithmic, IReadOnlyList<double> ticks)
    {
        _logarithmic = logarithmic;
        Ticks = ticks;
    }

    /// <summary>Tick values, ascending; the first and last are the ends of the axis.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>The axis that holds all values. A linear one begins at 0, a logarithmic one below the smallest positive value.</summary>
    public static PlotScale For(IEnumerable<double?> values, bool logarithmic)
    {
        var known = values.Where(value => value is { } v && double.IsFinite(v) && (v > 0 || !logarithmic)).Select(value => value!.Value).DefaultIfEmpty(1).ToList();
        return logarithmic ? new PlotScale(true, LogarithmicTicks(known.Min(), known.Max())) : new PlotScale(false, LinearTicks(known.Max()));
    }

    /// <summary>Place of a value, 0 at the first tick, 1 at the last.</summary>
    public double Position(double value)
    {
        var (low, high) = (Ticks[0], Ticks[^1]);
        return _logarithmic ? Math.Log(value / low) / Math.Log(high / low) : (value - low) / (high - low);
    }

    private static List<double> LinearTicks(double max)
    {
        var step = StepAtLeast((max > 0 ? max : 1) / 6);
        var ticks = new List<double> { 0 };
        while (ticks[^1] < max || ticks.Count < 2) ticks.Add(Math.Round(step * ticks.Count, 10));
        return ticks;
    }

    private static List<double> LogarithmicTicks(double min, double max)
    {
        var ticks = new List<double>();
        for (var decade = (int)Math.Floor(Math.Log10(min)); ticks.Count < 2 || ticks[^1] < max; decade++)
        {
            foreach (var factor in (ReadOnlySpan<double>)[1, 2, 5])
            {
                var tick = factor * Math.Pow(10, decade);
                if (ticks.Count == 1 && tick <= min) ticks.Clear();
                if (ticks.Count < 2 || ticks[^1] < max) ticks.Add(tick);
            }
        }
        return ticks;
    }

    private static double StepAtLeast(double wanted)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(wanted)));
        foreach (var factor in (ReadOnlySpan<double>)[1, 2, 5, 10])
        {
            if (factor * power >= wanted * 0.999) return factor * power;
        }
        return 10 * power;
    }
}
