using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;
using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Tests.Sampling;

public sealed class CompactionTests
{
    [Fact]
    public void EveryMaskCompressesToItsLanesInOrder()
    {
        Compress<Lanes512, Vector512<float>>(new Random(1), 3000);
        Compress<Lanes256, Vector256<float>>(new Random(2), 3000);
        Compress<Lanes128, Vector128<float>>(new Random(3), 300);
    }

    [Fact]
    public void EveryVectorWidthKeepsTheSameElementsInPlace()
    {
        var random = new Random(4);
        foreach (var size in (int[])[0, 1, 3, 8, 16, 17, 100, 1000])
        {
            for (var round = 0; round < 20; round++)
            {
                var keys = Array.ConvertAll(SamplerTests.RandomLogits(random, size, 1), key => MathF.Round(key * 4) / 4);
                var column = Enumerable.Range(0, size).Select(i => (float)i).ToArray();
                var (least, below) = round % 3 == 0 ? (0.25f, float.PositiveInfinity) : (-0.5f, 0.75f);
                var expected = column.Where((_, i) => keys[i] >= least && keys[i] < below).ToArray();
                Assert.Equal(expected, Keep<Lanes512, Vector512<float>>(keys, least, below, column));
                Assert.Equal(expected, Keep<Lanes256, Vector256<float>>(keys, least, below, column));
                Assert.Equal(expected, Keep<Lanes128, Vector128<float>>(keys, least, below, column));
                var own = (float[])keys.Clone();
                Assert.Equal(keys.Where(key => key >= least && key < below), own.Take(Compaction.Keep(own, least, below, own, own)));
            }
        }
    }

    private static float[] Keep<TLanes, TVector>(float[] keys, float least, float below, float[] column)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var kept = (float[])column.Clone();
        return kept[..Compaction.Keep<TLanes, TVector>(keys, least, below, kept, kept)];
    }

    private static void Compress<TLanes, TVector>(Random random, int rounds)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        for (var round = 0; round < rounds; round++)
        {
            var values = SamplerTests.RandomLogits(random, TLanes.Width, 1);
            var keys = Array.ConvertAll(values, _ => random.Next(2) - 0.5f);
            var actual = new float[TLanes.Width];
            TLanes.Store(TLanes.Compress(TLanes.Load(in values[0], 0), TLanes.AtMost(TLanes.Broadcast(0), TLanes.Load(in keys[0], 0))), ref actual[0], 0);
            var expected = values.Where((_, lane) => keys[lane] > 0).ToArray();
            Assert.Equal(expected, actual.Take(expected.Length));
        }
    }
}
