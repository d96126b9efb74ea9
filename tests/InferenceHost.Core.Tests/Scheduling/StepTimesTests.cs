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
    public void AStepThatWasHeldUpSaysLittle()
    {
        var times = new StepTimes();
        times.Observe(0.010, decodeRows: 8, prefillTokens: 0);
        times.Observe(0.020, decodeRows: 8, prefillTokens: 10);
        times.Observe(5, decodeRows: 8, prefillTokens: 0);
        Assert.InRange(times.DecodeSeconds(8), 0.010, 0.015);
        times.Observe(5, decodeRows: 8, prefillTokens: 10);
        Assert.InRange(times.PrefillTokenSeconds, 0, 0.002);
    }

    [Fact]
    public void AStepThatDecodesAfterManyWithPromptsStandsForThemToo()
    {
        var times = new StepTimes();
        times.Observe(0.010, decodeRows: 8, prefillTokens: 0);
        times.Observe(0.014, decodeRows: 8, prefillTokens: 0);
        Assert.InRange(times.DecodeSeconds(8), 0.0105, 0.0115);
        for (var i = 0; i < 16; i++) times.Observe(0.020, decodeRows: 8, prefillTokens: 4);
        times.Observe(0.014, decodeRows: 8, prefillTokens: 0);
        Assert.InRange(times.DecodeSeconds(8), 0.0130, 0.0140);
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
