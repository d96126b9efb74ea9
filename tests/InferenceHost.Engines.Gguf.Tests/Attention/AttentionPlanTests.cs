using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Tests.Attention;

public sealed unsafe class AttentionPlanTests
{
    [Fact]
    public void EveryRowHasExactlyItsOwnCells()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var seen = Masks.Mixed(new Random(seed));
            using var one = new AttentionCase(seed, seen, 4, 2, 4, 4);
            Assert.True(one.Read(threads: 2));
            Assert.Equal(seen, Spread(one.Plan.View, seen.Length, seen[0].Length));
        }
    }

    [Fact]
    public void APromptIsOneGroupUpToTheLimitAndStrangersAreNot()
    {
        var prompt = Masks.Prompt(rows: 64, before: 0, cells: 256);
        using var chunk = new AttentionCase(1, prompt, 4, 2, 4, 4);
        Assert.True(chunk.Read(threads: 1));
        Assert.InRange(chunk.Plan.View.GroupCount, 1, 16);
        bool[][] strangers = [.. Enumerable.Range(0, 8).Select(row => Enumerable.Range(0, 256).Select(cell => cell / 32 == row).ToArray())];
        using var apart = new AttentionCase(1, strangers, 4, 2, 4, 4);
        Assert.True(apart.Read(threads: 1));
        Assert.Equal(8, apart.Plan.View.GroupCount);
    }

    [Fact]
    public void AMaskOfOtherNumbersIsRefused()
    {
        Span<Half> mask = stackalloc Half[300];
        mask.Clear();
        using var plan = new AttentionPlan();
        fixed (Half* start = mask)
        {
            Assert.True(plan.TryRead((byte*)start, 600, 1, 300, 1, 1, 1));
            foreach (var at in new[] { 0, 63, 64, 299 })
            {
                mask[at] = (Half)(-0.5f);
                Assert.False(plan.TryRead((byte*)start, 600, 1, 300, 1, 1, 1));
                mask[at] = Half.NegativeInfinity;
                Assert.True(plan.TryRead((byte*)start, 600, 1, 300, 1, 1, 1));
                Assert.Equal(299, plan.View.Groups[0].Cells);
                mask[at] = default;
            }
        }
    }

    // The plan as a mask again.
    private static bool[][] Spread(in AttentionView view, int rows, int cells)
    {
        var seen = Enumerable.Range(0, rows).Select(_ => new bool[cells]).ToArray();
        for (var i = 0; i < view.GroupCount; i++)
        {
            var group = view.Groups[i];
            for (var row = 0; row < group.Rows; row++)
                for (var at = 0; at < group.Cells; at++)
                    seen[group.FirstRow + row][view.Cells[group.FirstCell + at]] =
                        group.FirstMask < 0 || ((view.Masks[group.FirstMask + (row * group.Tiles) + (at / 64)] >> (at % 64)) & 1) != 0;
        }
        return seen;
    }
}
