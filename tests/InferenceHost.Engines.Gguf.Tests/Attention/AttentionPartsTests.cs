using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Tests.Attention;

public sealed unsafe class AttentionPartsTests
{
    [Theory]
    [InlineData(1, 100, 3, 3)]
    [InlineData(1, 4000, 8, 2)]
    [InlineData(4, 4000, 3, 3)]
    [InlineData(42, 4000, 3, 3)]
    [InlineData(100, 300, 5, 1)]
    public void EveryTileIsTakenOnceForEveryHead(int rows, int before, int heads, int sharing)
    {
        foreach (var threads in new[] { 1, 2, 16 })
        {
            using var one = Read(rows, before, heads, sharing, threads);
            var view = one.Plan.View;
            var taken = new HashSet<(int Group, int Tile, int Head)>();
            for (var at = 0; at < view.PartCount; at++)
            {
                var part = view.Parts[at];
                Assert.InRange(part.Number, view.Groups[part.Group].FirstPart, view.Groups[part.Group].FirstPart + view.Groups[part.Group].Parts - 1);
                for (var tile = part.FirstTile; tile < part.FirstTile + part.Tiles; tile++)
                    for (var head = part.FirstHead; head < part.FirstHead + part.Heads; head++)
                        Assert.True(taken.Add((part.Group, tile, head)));
            }
            Assert.Equal(Enumerable.Range(0, view.GroupCount).Sum(i => view.Groups[i].Tiles * heads), taken.Count);
        }
    }

    [Fact]
    public void HeadsOfACellAreReadTogetherWhereQueriesAreFew()
    {
        using var few = Read(rows: 4, before: 4000, heads: 3, sharing: 3, threads: 2);
        Assert.Equal(3, few.Plan.View.Parts[0].Heads);
        Assert.InRange(few.Plan.View.PartCount, 8, 12);
        using var many = Read(rows: 42, before: 4000, heads: 3, sharing: 3, threads: 2);
        Assert.Equal(1, many.Plan.View.Parts[0].Heads);
    }

    [Fact]
    public void ALoneShortRowIsSharedByItsHeads()
    {
        using var one = Read(rows: 1, before: 50, heads: 8, sharing: 2, threads: 4);
        Assert.Equal(8, one.Plan.View.PartCount);
    }

    [Fact]
    public void QueriesOfAPartFitIntoItsScratchMemory()
    {
        foreach (var rows in new[] { 1, 7, 15, 40, 200 })
        {
            using var one = Read(rows, before: 1000, heads: 8, sharing: 3, threads: 2);
            var view = one.Plan.View;
            for (var at = 0; at < view.PartCount; at++)
                Assert.InRange(view.Parts[at].Heads * view.Groups[view.Parts[at].Group].Rows * 3, 1, AttentionPlan.MaxQueries);
        }
    }

    private static AttentionCase Read(int rows, int before, int heads, int sharing, int threads)
    {
        var one = new AttentionCase(1, Masks.Prompt(rows, before, before + rows + 1), heads * sharing, heads, 4, 4);
        Assert.True(one.Read(threads));
        return one;
    }
}
