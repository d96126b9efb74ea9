using System.Diagnostics;
using HdrHistogram;

namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>Latencies in an HdrHistogram: microseconds, three significant digits, up to one hour.</summary>
internal sealed class LatencyHistogram
{
    private const long HighestMicroseconds = 3_600_000_000;
    private const double MicrosecondsPerMillisecond = 1000;
    private static readonly double MicrosecondsPerTick = 1e6 / Stopwatch.Frequency;

    private readonly LongHistogram _histogram = new(HighestMicroseconds, 3);

    /// <summary>Values recorded.</summary>
    public long Count => _histogram.TotalCount;

    /// <summary>Adds the time between two <see cref="Stopwatch"/> stamps.</summary>
    public void Record(long from, long to) => RecordMicroseconds((long)Math.Round((to - from) * MicrosecondsPerTick));

    /// <summary>Adds a value; below 1 counts as 1, above an hour as an hour.</summary>
    public void RecordMicroseconds(long value) => _histogram.RecordValue(Math.Clamp(value, 1, HighestMicroseconds));

    /// <summary>Adds all values of another histogram.</summary>
    public void Add(LatencyHistogram other) => _histogram.Add(other._histogram);

    /// <summary>The percentile in milliseconds; <see langword="null"/> without values.</summary>
    public double? PercentileMs(double percentile) =>
        Count == 0 ? null : Math.Round(_histogram.GetValueAtPercentile(percentile) / MicrosecondsPerMillisecond, 3);

    /// <summary>The usual percentiles; <see langword="null"/> without values.</summary>
    public Percentiles? ToPercentiles() => Count == 0 ? null : new Percentiles(
        Count, Math.Round(_histogram.GetMean() / MicrosecondsPerMillisecond, 3),
        PercentileMs(50)!.Value, PercentileMs(95)!.Value, PercentileMs(99)!.Value, PercentileMs(100)!.Value);
}
