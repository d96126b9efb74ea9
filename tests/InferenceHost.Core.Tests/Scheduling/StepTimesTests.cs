using InferenceHost.Core.Scheduling;

namespace InferenceHost.Core.Tests.Scheduling;

public sealed class StepTimesTests
{
    [Fact]
    public void StepsOfOtherSizesAreKeptApart()
    {
        var times = new StepTimes();
        for (var i = 0; i < 50; i++)
        {
            times.Observe(0.005, decodeRows: 1, prefillTokens: 0);
            times.Observe(0.060, decodeRows: 32, prefillTokens: 0);
        }
        Assert.Equal(0.005, times.DecodeSeconds(1), 6);
        Assert.Equal(0.060, times.DecodeSeconds(32), 6);
    }

    [Fact]
    public void WhatWasNotMeasuredIsTakenFromTheNearestThatWas()
    {
        var times = new StepTimes();
        Assert.Equal(0, times.DecodeSeconds(8));
        times.Observe(0.005, decodeRows: 1, prefillTokens: 0);
        times.Observe(0.105, decodeRows: 1, prefillTokens: 100);
        Assert.Equal(0.001, times.PrefillTokenSeconds, 6);
        // Seven rows more, a millisecond each.
        Assert.Equal(0.012, times.DecodeSeconds(8), 6);
    }

    [Fact]
    public void ADraftThatWasHeldUpIsForgotten()
    {
        var times = new StepTimes();
        times.Observe(0.005, decodeRows: 1, prefillTokens: 0);
        times.Observe(0.105, decodeRows: 1, prefillTokens: 100);
        Assert.Equal(0.001, times.DraftRowSeconds, 6);
        times.Observe(3, decodeRows: 1, prefillTokens: 0, draftRows: 4);
        Assert.InRange(times.DraftRowSeconds, 0.001, 0.0015);
        for (var i = 0; i < 300; i++) times.Observe(0.005, decodeRows: 1, prefillTokens: 0);
        Assert.InRange(times.DraftRowSeconds, 0.001, 0.0011);
        Assert.Equal(0.005, times.DecodeSeconds(1), 6);
    }

    [Fact]
    public void FewerRowsThanMeasuredNeverCostNothing()
    {
        var times = new StepTimes();
        times.Observe(0.020, decodeRows: 64, prefillTokens: 0);
        times.Observe(0.120, decodeRows: 64, prefillTokens: 100);
        Assert.True(times.DecodeSeconds(1) > 0);
    }
}
