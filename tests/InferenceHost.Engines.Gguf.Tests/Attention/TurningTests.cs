using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Tests.Attention;

public sealed unsafe class TurningTests
{
    [Fact]
    public void RowsBecomeColumnsAtEveryVectorWidth()
    {
        AssertTurned<Lanes128, Vector128<float>>();
        AssertTurned<Lanes256, Vector256<float>>();
        AssertTurned<Lanes512, Vector512<float>>();
    }

    private static void AssertTurned<TLanes, TVector>()
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        const int rows = 32, size = 20, stride = 40;
        var source = Enumerable.Range(0, rows * size).Select(i => (float)i).ToArray();
        var target = new float[size * stride];
        fixed (float* from = source, to = target)
            Turning<TLanes, TVector>.Turn(from, size, rows, to, stride);
        for (var row = 0; row < rows; row++)
            for (var at = 0; at < size; at++)
                Assert.Equal(source[(row * size) + at], target[(at * stride) + row]);
    }
}
