using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;
using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Tests.Sampling;

public sealed class KernelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(131)]
    [InlineData(1500)]
    public void EveryVectorWidthGivesTheSameBlocksAndCandidates(int size)
    {
        var logits = SamplerTests.RandomLogits(new Random(size), size, 5);
        logits[size / 2] = float.NegativeInfinity;
        var wide = Scan<Lanes512, Vector512<float>>(logits);
        var middle = Scan<Lanes256, Vector256<float>>(logits);
        var narrow = Scan<Lanes128, Vector128<float>>(logits);
        Assert.Equal(wide.Maxima, middle.Maxima);
        Assert.Equal(wide.Maxima, narrow.Maxima);
        Assert.Equal(wide.Ids, middle.Ids);
        Assert.Equal(wide.Ids, narrow.Ids);
        for (var block = 0; block < wide.Sums.Length; block++)
        {
            var tokens = logits.Skip(block * BlockScan.BlockTokens).Take(BlockScan.BlockTokens);
            var sum = float.IsNegativeInfinity(wide.Maxima[block]) ? 0 : tokens.Sum(x => Math.Exp((x - wide.Best) * 0.7f));
            foreach (var actual in (float[])[wide.Sums[block], middle.Sums[block], narrow.Sums[block]])
                Assert.Equal(sum, actual, 1e-6 * (1 + sum));
        }

        Assert.Equal(Enumerable.Range(0, size).Where(id => logits[id] >= 1), wide.Ids);
    }

    [Fact]
    public void SumsAreExactHoweverTheMaximumMoves()
    {
        const int Blocks = 40;
        foreach (var (first, step) in (ReadOnlySpan<(float, float)>)[(-500, 0), (0, 0.01f), (-30, 1), (5, -1), (1e4f, 3), (-2000, 40), (3000, -40)])
        {
            // Rising and falling rows, masked blocks in front and between.
            var logits = new float[(Blocks * BlockScan.BlockTokens) + 5];
            for (var i = 0; i < logits.Length; i++)
                logits[i] = i / BlockScan.BlockTokens % 7 == 0 ? float.NegativeInfinity : first + (step * (i / BlockScan.BlockTokens)) + (i % 13 * 0.1f);
            var wide = Scan<Lanes512, Vector512<float>>(logits);
            foreach (var sums in (float[][])[wide.Sums, Scan<Lanes256, Vector256<float>>(logits).Sums, Scan<Lanes128, Vector128<float>>(logits).Sums])
            {
                for (var block = 0; block < sums.Length; block++)
                {
                    var tokens = logits.Skip(block * BlockScan.BlockTokens).Take(BlockScan.BlockTokens);
                    var expected = tokens.Sum(x => Math.Exp((x - (double)wide.Best) * 0.7f));
                    Assert.Equal(expected, sums[block], (3e-6 * expected) + 1e-30);
                }
            }
        }
    }

    [Fact]
    public void LogitsTooLargeToAddAreStillFinite()
    {
        var logits = Enumerable.Repeat(float.MaxValue, 3000).ToArray();
        var scan = Scan<Lanes512, Vector512<float>>(logits);
        Assert.Equal(float.MaxValue, scan.Best);
        logits[2500] = float.NaN;
        Assert.False(BlockScan.Maxima(logits, new float[24], out _));
        logits[2500] = float.PositiveInfinity;
        Assert.False(BlockScan.MaximaAndSums(logits, 1, new float[24], new float[24], out _, out _));
    }

    [Fact]
    public void ExponentialIsExactToTheRoundingOfItsArgument()
    {
        var values = Enumerable.Range(0, 200_000).Select(i => -i * 4.5e-4f).ToArray();
        const float Least = VectorExp.LeastPower / VectorExp.Log2E;
        foreach (var weights in (float[][])[
            Weigh<Lanes512, Vector512<float>>(values), Weigh<Lanes256, Vector256<float>>(values), Weigh<Lanes128, Vector128<float>>(values)])
        {
            for (var i = 0; i < values.Length; i++)
            {
                var expected = Math.Exp(values[i]);

                // The argument itself is rounded to a float, which costs its size in units of the last place.
                if (values[i] > Least + 1e-4f)
                    Assert.True(Math.Abs(weights[i] - expected) <= (3e-7 - (1.2e-7 * values[i])) * expected, $"exp({values[i]}) = {weights[i]}");
                else if (values[i] < Least - 1e-4f)
                    Assert.Equal(0, weights[i]);
            }
        }
    }

    [Fact]
    public void PhiloxGivesThePublishedNumbers()
    {
        // The known answers of Random123 (kat_vectors, philox4x32 10).
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), PhiloxRandom.Block(0, 0, 0, 0, 0, 0));
        Assert.Equal(
            (0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu),
            PhiloxRandom.Block(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue));
        Assert.Equal(
            (0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u),
            PhiloxRandom.Block(0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344));
    }

    [Fact]
    public void SelectionFindsWhatSortingFinds()
    {
        var random = new Random(6);
        var select = new ThresholdSelect(60);
        for (var round = 0; round < 500; round++)
        {
            var keys = Enumerable.Range(0, 1 + random.Next(60)).Select(_ => random.Next(20) - 9f).ToArray();
            var k = 1 + random.Next(keys.Length);
            var kth = keys.OrderDescending().ElementAt(k - 1);
            var threshold = select.KeepingLargest(keys, k);
            Assert.Equal(keys.Where(key => key >= kth), keys.Where(key => key >= threshold));

            var weights = Array.ConvertAll(keys, key => key + 10);
            var target = random.NextDouble() * 1.1 * weights.Sum();
            var expected = keys.Min();
            foreach (var key in keys.Distinct().OrderDescending())
            {
                if (keys.Where(other => other >= key).Sum(other => other + 10d) < target)
                    continue;
                expected = key;
                break;
            }

            Assert.Equal(expected, select.KeyReachingMass(keys, weights, target, out var above));
            Assert.Equal(keys.Where(key => key > expected).Sum(key => key + 10d), above, 1e-6);
        }
    }

    private static (float[] Maxima, float[] Sums, int[] Ids, float Best) Scan<TLanes, TVector>(float[] logits)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var blocks = BlockScan.Blocks(logits.Length);
        float[] maxima = new float[blocks], sums = new float[blocks], values = new float[logits.Length];
        var ids = new int[logits.Length + BlockScan.Slack];
        Assert.True(BlockScan.Maxima<TLanes, TVector>(logits, maxima, out var best));
        var again = new float[blocks];
        Assert.True(BlockScan.MaximaAndSums<TLanes, TVector>(logits, 0.7f, again, sums, out var bestAgain, out var mass));
        Assert.Equal(maxima, again);
        Assert.Equal((maxima.Max(), maxima.Max()), (best, bestAgain));
        Assert.Equal(sums.Sum(sum => (double)sum), mass, 1e-6 * mass);
        var count = BlockScan.Gather<TLanes, TVector>(logits, maxima, 1, ids, values);
        Assert.Equal(ids.Take(count).Select(id => logits[id]), values.Take(count));
        return (maxima, sums, ids[..count], best);
    }

    private static float[] Weigh<TLanes, TVector>(float[] values)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var weights = new float[values.Length];
        VectorExp.Weights<TLanes, TVector>(values, 0, 1, weights);
        return weights;
    }
}
