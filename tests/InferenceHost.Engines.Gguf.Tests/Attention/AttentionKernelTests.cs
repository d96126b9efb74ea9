namespace InferenceHost.Engines.Gguf.Tests.Attention;

public sealed class AttentionKernelTests
{
    public static TheoryData<int, int, int, int, int> Shapes
    {
        get
        {
            var data = new TheoryData<int, int, int, int, int>();
            foreach (var bits in new[] { 128, 256, 512 })
                foreach (var (heads, kvHeads, keySize, valueSize) in new[] { (9, 3, 64, 64), (4, 4, 128, 128), (8, 1, 80, 80), (16, 2, 24, 24), (4, 2, 96, 32), (6, 1, 256, 256) })
                    data.Add(bits, heads, kvHeads, keySize, valueSize);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ManySequencesInOnePoolSeeOnlyTheirOwnCells(int bits, int heads, int kvHeads, int keySize, int valueSize)
    {
        using var one = new AttentionCase(1, Masks.Mixed(new Random(bits + heads)), heads, kvHeads, keySize, valueSize);
        AssertEqual(one.Expected(), one.Compute(threads: 2, bits));
    }

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void AChunkOfAnyLengthBehindAnyNumberOfCellsIsComputedRight(int bits)
    {
        for (var rows = 1; rows <= 15; rows++)
        {
            using var alone = new AttentionCase(rows, Masks.Prompt(rows, before: 11 * rows, cells: 256), 3, 3, 64, 64);
            AssertEqual(alone.Expected(), alone.Compute(threads: 2, bits));
            using var shared = new AttentionCase(rows, Masks.Prompt(rows, before: 190 + rows, cells: 256), 9, 3, 48, 80);
            AssertEqual(shared.Expected(), shared.Compute(threads: 2, bits));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void ThreadsShareOneLongSequence(int threads)
    {
        using var one = new AttentionCase(2, Masks.Prompt(rows: 1, before: 1999, cells: 2304), 9, 3, 64, 64);
        AssertEqual(one.Expected(), one.Compute(threads, 512));
        Assert.True(threads == 1 || one.Plan.View.DividedParts > 1);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(512)]
    public void AChunkOfALongPromptIsCutIntoPartsToo(int bits)
    {
        using var one = new AttentionCase(3, Masks.Prompt(rows: 130, before: 300, cells: 512), 4, 1, 64, 64);
        AssertEqual(one.Expected(), one.Compute(threads: 5, bits));
        Assert.True(one.Plan.View.DividedParts > 1);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void EightBitCellsAreReadExactly(int bits)
    {
        using var one = new AttentionCase(4, Masks.Mixed(new Random(4)), 6, 2, 64, 96, isQ8: true);
        AssertEqual(one.Expected(), one.Compute(threads: 2, bits));
    }

    [Fact]
    public void ScoresAreCappedAndSinksTakeTheirPart()
    {
        using var capped = new AttentionCase(5, Masks.Mixed(new Random(5)), 6, 2, 64, 64) { SoftCap = 2.5f };
        AssertEqual(capped.Expected(), capped.Compute(threads: 2, 512));
        using var sunk = new AttentionCase(6, Masks.Mixed(new Random(6)), 6, 2, 64, 64) { Sinks = [3, -2, 0.5f, 40, -40, 1] };
        AssertEqual(sunk.Expected(), sunk.Compute(threads: 3, 512));
    }

    [Fact]
    public void ARowThatSeesNothingGivesZeros()
    {
        var seen = Masks.Prompt(rows: 3, before: 10, cells: 256);
        Array.Clear(seen[1]);
        using var one = new AttentionCase(7, seen, 4, 2, 64, 64);
        AssertEqual(one.Expected(), one.Compute(threads: 2, 512));
    }

    [Fact]
    public void RowsThatSeeNothingOfTheFirstTilesBeginLater()
    {
        var seen = Masks.Prompt(rows: 12, before: 400, cells: 512);
        for (var row = 0; row < 12; row += 5)
            Array.Clear(seen[row], 0, 320);
        using var one = new AttentionCase(8, seen, 6, 2, 64, 64);
        AssertEqual(one.Expected(), one.Compute(threads: 1, 512));
    }

    private static void AssertEqual(double[] expected, float[] actual)
    {
        for (var at = 0; at < expected.Length; at++)
            Assert.True(Math.Abs(expected[at] - actual[at]) < 2e-5, $"value {at}: {actual[at]} instead of {expected[at]}");
    }
}
