using InferenceHost.Core.Scheduling;

namespace InferenceHost.Core.Tests.Scheduling;

public sealed class StepBudgetTests
{
    private const int MaxBatch = 512;

    [Fact]
    public void NothingThatDecodesMeansTheWholeBatch() => Assert.Equal(MaxBatch, Learned().ChunkTokens(0, 0, MaxBatch));

    [Fact]
    public void PrefillGetsTwoFifthsOfTheTimeOfTheDecodeRows() => Assert.Equal(8, Learned().ChunkTokens(8, 0.1, MaxBatch));

    [Theory]
    [InlineData(1, 20)]
    [InlineData(3, 60)]
    [InlineData(31, 504)]
    public void MoreTimeWhereMoreWaitForTheirFirstToken(double demand, int tokens) => Assert.Equal(tokens, Learned().ChunkTokens(8, demand, MaxBatch));

    [Fact]
    public void BehindManyCellsAChunkShrinksButNeverStops()
    {
        var budget = Learned();
        for (var i = 0; i < 30; i++) budget.Observe(0.220, decodeRows: 8, prefillTokens: 20);
        budget.Observe(0.020, decodeRows: 8, prefillTokens: 0);
        Assert.Equal(2, budget.ChunkTokens(8, 0.1, MaxBatch));
    }

    [Fact]
    public void NowAndThenAStepWithoutPrefillMeasuresWhatDecodingCostsNow()
    {
        var budget = Learned();
        var (mixed, pure) = (0, 0);
        for (var i = 0; i < 200; i++)
        {
            var tokens = budget.ChunkTokens(8, 0.1, MaxBatch);
            if (tokens > 0) mixed++;
            else pure++;
            Assert.Equal(tokens == 0, double.IsPositiveInfinity(budget.BreakEvenAcceptance(8)));
            budget.Observe(0.040 + (tokens * 0.001), decodeRows: 8, tokens);
        }
        Assert.InRange(pure, mixed / 20, mixed / 12);
        // Decoding has come to take twice as long: 16 instead of 8 tokens fill two fifths of it.
        Assert.InRange(budget.ChunkTokens(8, 0.1, MaxBatch), 12, 18);
    }

    [Fact]
    public void ATargetHoldsWhoeverWaits() => Assert.Equal(80, Learned(TimeSpan.FromMilliseconds(100)).ChunkTokens(8, 31, MaxBatch));

    [Fact]
    public void CreditForShortPromptsComesBackWithTimeEvenIfNothingRuns()
    {
        var budget = Learned();
        Assert.True(budget.TrySpend(250, 8));
        Assert.False(budget.TrySpend(100, 8));
        budget.Accrue(TimeSpan.FromSeconds(0.9));
        Assert.False(budget.TrySpend(100, 8));
        budget.Accrue(TimeSpan.FromSeconds(0.2));
        Assert.True(budget.TrySpend(100, 8));
        budget.Accrue(TimeSpan.FromDays(1));
        Assert.False(budget.TrySpend(251, 8));
    }

    [Fact]
    public void WhatOnlyOneStreamWaitsForCostsHalf()
    {
        Assert.False(Learned().TrySpend(400, 8));
        Assert.True(Learned().TrySpend(400, 1));
    }

    [Fact]
    public void AShortPromptIsPricedAsOneAndNotAsManySmallChunks()
    {
        var budget = Learned();
        for (var i = 0; i < 200; i++) budget.Observe(0.032, decodeRows: 8, prefillTokens: 4);
        Assert.InRange(budget.PrefillTokenSeconds, 0.0025, 0.0035);
        // After so many steps with prompts one measures what decoding costs, and takes no prompt.
        Assert.False(budget.TrySpend(200, 8));
        budget.Observe(0.020, decodeRows: 8, prefillTokens: 0);
        Assert.True(budget.TrySpend(200, 8));
    }

    [Fact]
    public void DraftsPayWhereMoreOfThemStandsThanARowCostsOfATokensTime()
    {
        var budget = Learned();
        // A millisecond a row, eight tokens in twenty: 2.5 a token, and a margin.
        Assert.Equal(0.4 * 1.3, budget.BreakEvenAcceptance(8), 6);
        for (var i = 0; i < 100; i++) budget.Observe(0.020, decodeRows: 8, prefillTokens: 0, draftRows: 32);
        Assert.InRange(budget.BreakEvenAcceptance(8), 0, 0.001);
        Assert.Equal(0.001, budget.PrefillTokenSeconds, 6);
        for (var i = 0; i < 100; i++) budget.Observe(0.084, decodeRows: 8, prefillTokens: 0, draftRows: 32);
        Assert.InRange(budget.BreakEvenAcceptance(8), 1.02, 1.05);
    }

    [Fact]
    public void DraftsWaitForAStepThatShowsWhatOneWithoutThemCosts()
    {
        var budget = new StepBudget(default);
        budget.Observe(0.05, decodeRows: 0, prefillTokens: 100);
        Assert.True(budget.BreakEvenAcceptance(8) > 1);
        budget.Observe(0.02, decodeRows: 8, prefillTokens: 0);
        Assert.Equal(0.2 * 1.3, budget.BreakEvenAcceptance(8), 6);
    }

    // Steps of 20 ms that only decode, 1 ms for each further token.
    private static StepBudget Learned(TimeSpan target = default)
    {
        var budget = new StepBudget(target);
        budget.Observe(0.020, decodeRows: 8, prefillTokens: 0);
        budget.Observe(0.120, decodeRows: 8, prefillTokens: 100);
        return budget;
    }
}
