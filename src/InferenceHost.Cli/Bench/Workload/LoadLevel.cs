using System.Globalization;

namespace InferenceHost.Cli.Bench.Workload;

/// <summary>One point of the sweep: a number of concurrent streams (closed loop) or an arrival rate (open loop).</summary>
/// <param name="Streams">Closed loop: streams that run at once.</param>
/// <param name="RatePerSecond">Open loop: mean arrivals per second.</param>
internal readonly record struct LoadLevel(int? Streams, double? RatePerSecond)
{
    /// <summary>The level in words, e.g. "8 streams" or "2.5 requests/s".</summary>
    public string Label => Streams is { } streams
        ? streams == 1 ? "1 stream" : string.Create(CultureInfo.InvariantCulture, $"{streams} streams")
        : string.Create(CultureInfo.InvariantCulture, $"{RatePerSecond} requests/s");

    /// <summary>The number alone, for axes and for <c>--min-ratio</c>.</summary>
    public double Value => Streams ?? RatePerSecond ?? 0;
}
