namespace InferenceHost.Cli.Bench.Workload;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed in every version of the runtime, so that a workload can be repeated
/// years later. Not for secrets.
/// </summary>
internal sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A generator of its own for one part of the workload: the same parts give the same generator.</summary>
    public static SeededRandom Derive(ulong seed, params ReadOnlySpan<long> parts)
    {
        var state = new SeededRandom(seed).NextUInt64();
        foreach (var part in parts) state = new SeededRandom(state ^ (ulong)part).NextUInt64();
        return new SeededRandom(state);
    }

    /// <summary>64 uniform bits.</summary>
    public ulong NextUInt64()
    {
        _state += 0x9E3779B97F4A7C15UL;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in (0, 1]; never 0, so that its logarithm exists.</summary>
    public double NextDouble() => ((NextUInt64() >> 11) + 1) * (1.0 / (1UL << 53));

    /// <summary>Uniform integer in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public int NextInt(int low, int high)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(low, high);
        return low + (int)Math.BigMul(NextUInt64(), (ulong)(high - low), out _);
    }

    /// <summary>Standard normal (Box-Muller, one of the pair).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>Exponential with the given mean.</summary>
    public double NextExponential(double mean) => -mean * Math.Log(NextDouble());
}
