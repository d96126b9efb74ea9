using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>What the layouts keep of a pair against B times A times alpha / rank in double precision.</summary>
public sealed unsafe class LayoutTests
{
    private const int Outputs = 70, Rank = 3;
    private const float Strength = 2;

    /// <summary>Layout, storage, width of the input, size of A's numbers and of B's.</summary>
    public static TheoryData<bool, AdapterStorage, int, float, float> Sizes
    {
        get
        {
            var data = new TheoryData<bool, AdapterStorage, int, float, float>();
            // Some are subnormal: 1 / number is infinite.
            foreach (var (a, b) in new[] { (1f, 1f), (1e-3f, 1e-4f), (1e-39f, 1e37f), (1e37f, 1e-39f), (1e-44f, 3e38f), (3e38f, 1e-44f), (1e-30f, 1e24f) })
                foreach (var storage in Enum.GetValues<AdapterStorage>())
                    foreach (var stacked in new[] { false, true })
                        foreach (var inputs in new[] { 64, 50 })
                            data.Add(stacked, storage, inputs, a, b);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheProductIsKeptWhateverTheSizesOfItsHalves(bool stacked, AdapterStorage storage, int inputs, float a, float b)
    {
        var random = new Random(3);
        AssertKept(stacked, storage, inputs, Numbers(random, Rank * inputs, a), Numbers(random, Outputs * Rank, b));
    }

    [Theory]
    [InlineData(false, AdapterStorage.Int8)]
    [InlineData(false, AdapterStorage.F16)]
    [InlineData(true, AdapterStorage.Int8)]
    [InlineData(true, AdapterStorage.F16)]
    public void ARankThatDoesNothingLeavesTheOthersAlone(bool stacked, AdapterStorage storage)
    {
        var random = new Random(4);
        var (down, up) = (Numbers(random, Rank * 64, 0.1f), Numbers(random, Outputs * Rank, 0.1f));
        // Rank 0: A is zero, B as great as floats are; rank 2 the other way round.
        down.AsSpan(0, 64).Clear();
        down.AsSpan(128, 64).Fill(3e38f);
        for (var o = 0; o < Outputs; o++)
            (up[o * Rank], up[(o * Rank) + 2]) = (3e38f, 0);
        AssertKept(stacked, storage, 64, down, up);
    }

    private static void AssertKept(bool stacked, AdapterStorage storage, int inputs, float[] down, float[] up)
    {
        var module = new AdapterModule(0, "blk.0.attn_q.weight", inputs, Outputs);
        IAdapterLayout layout = stacked ? new StackLayout(storage, 64) : new KernelLayout(storage);
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)layout.ByteLength(module, Rank), 64);
        try
        {
            NativeMemory.Clear(memory, (nuint)layout.ByteLength(module, Rank));
            var weights = layout.Write(module, Rank, Strength, down, up, memory);
            double largest = 0, error = 0;
            for (var o = 0; o < Outputs; o++)
                for (var i = 0; i < inputs; i++)
                {
                    double wanted = 0, kept = 0;
                    for (var k = 0; k < Rank; k++)
                    {
                        wanted += (double)up[(o * Rank) + k] * down[(k * inputs) + i] * Strength;
                        kept += layout is StackLayout stack
                            ? Stacked(stack, weights.Up, weights.Rank, o, k) * Stacked(stack, weights.Down, inputs, k, i)
                            : weights.Scales[k] * One(storage, weights.Up, (((o / 64 * weights.Rank) + k) * 64) + (o % 64)) * One(storage, weights.Down, (k * inputs) + i);
                    }
                    (largest, error) = (Math.Max(largest, Math.Abs(wanted)), Math.Max(error, Math.Abs(wanted - kept)));
                }
            Assert.InRange(error / largest, 0, storage == AdapterStorage.Int8 ? 0.02 : 1e-3);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private static double One(AdapterStorage storage, byte* numbers, int index) => storage == AdapterStorage.Int8 ? ((sbyte*)numbers)[index] : (double)((Half*)numbers)[index];

    private static double Stacked(StackLayout layout, byte* rows, int width, int row, int column)
    {
        var start = rows + (row * layout.RowBytes(width));
        if (layout.Type(width) == ggml_type.F16)
            return (double)((Half*)start)[column];
        var block = start + (column / 32 * 34);
        return (double)*(Half*)block * ((sbyte*)block)[2 + (column % 32)];
    }

    private static float[] Numbers(Random random, int count, float size) => [.. Enumerable.Range(0, count).Select(_ => size * ((2 * random.NextSingle()) - 1))];
}
