namespace InferenceHost.Core.Sampling;

/// <summary>
/// Philox4x32-10, a counter-based generator: the numbers of a position depend on the seed and the position alone, so that a sequence which was
/// preempted or moved to another worker goes on with the numbers it would have had (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
/// </summary>
internal static class PhiloxRandom
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>A uniform number in [0, 1) with 53 random bits.</summary>
    /// <param name="seed">Seed of the sequence.</param>
    /// <param name="position">Index of the output token.</param>
    public static double Uniform(ulong seed, long position)
    {
        var (a, b, _, _) = Block((uint)seed, (uint)(seed >> 32), (uint)position, (uint)((ulong)position >> 32), 0, 0);
        return (((ulong)b << 32 | a) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>One block: four random words of a 64-bit key and a 128-bit counter.</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block(uint key0, uint key1, uint c0, uint c1, uint c2, uint c3)
    {
        for (var round = 0; round < 10; round++)
        {
            var product0 = (ulong)Multiplier0 * c0;
            var product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ key0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ key1, (uint)product0);
            unchecked
            {
                key0 += Weyl0;
                key1 += Weyl1;
            }
        }

        return (c0, c1, c2, c3);
    }
}
