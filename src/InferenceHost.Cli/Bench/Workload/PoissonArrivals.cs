namespace InferenceHost.Cli.Bench.Workload;

/// <summary>Open loop: arrivals of a Poisson process, that is, independent exponential gaps.</summary>
internal static class PoissonArrivals
{
    /// <summary>Arrival times in seconds from the start of the round, ascending; the first request arrives at 0.</summary>
    /// <param name="ratePerSecond">Mean arrivals per second, > 0.</param>
    /// <param name="count">Number of arrivals.</param>
    /// <param name="random">Source of the gaps.</param>
    public static double[] Schedule(double ratePerSecond, int count, SeededRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ratePerSecond);
        var times = new double[count];
        for (var i = 1; i < count; i++) times[i] = times[i - 1] + random.NextExponential(1 / ratePerSecond);
        return times;
    }
}
