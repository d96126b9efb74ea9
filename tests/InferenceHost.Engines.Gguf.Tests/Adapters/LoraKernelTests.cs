using InferenceHost.Engines.Gguf.Adapters;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

public sealed unsafe class LoraKernelTests
{
    /// <summary>Inputs, outputs, rank, rows: sizes of real models, and sizes that are no multiple of anything.</summary>
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 576, 1536, 16, 1 }, { 1536, 576, 8, 7 }, { 64, 64, 4, 4 }, { 100, 70, 3, 5 }, { 1, 1, 1, 1 }, { 17, 129, 5, 33 }, { 63, 31, 20, 16 }, { 192, 200, 12, 9 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void EveryVariantComputesWhatTheFormulaSays(int inputs, int outputs, int rank, int rows)
    {
        foreach (var storage in Enum.GetValues<AdapterStorage>())
            foreach (var bits in new[] { 128, 256, 512 })
                foreach (var threads in new[] { 1, 3 })
                    Check(new KernelBench(inputs, outputs, rank, rows, storage, bits, threads));
    }

    [Fact]
    public void RowsOfManySlotsAndTheBaseKeepApart()
    {
        using var bench = new KernelBench(96, 130, 6, 40, AdapterStorage.F16, 256, 2, slots: 5);
        bench.Run();
        bench.AssertRight(1e-3f);
    }

    private static void Check(KernelBench bench)
    {
        using (bench)
        {
            bench.Run();
            // Eight bits: half a step of 1/127 of the largest weight in A and in B, averaged over the sums.
            bench.AssertRight(bench.Storage == AdapterStorage.Int8 ? 0.03f : 1e-3f);
        }
    }
}
