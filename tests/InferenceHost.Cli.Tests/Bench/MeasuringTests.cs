using System.Diagnostics;
using InferenceHost.Cli.Bench.Measuring;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class MeasuringTests
{
    private static readonly ServiceObjective None = new(null, null);

    [Fact]
    public void ThroughputCountsFromTheFirstStartToTheLastToken()
    {
        // Two streams: tokens at 100, 200, 300 ms and at 200, 300, 400 ms.
        var round = Evaluate(None, [Trace(0, 100, 200, 300)], [Trace(50, 200, 300, 400)]);
        Assert.Equal(6, round.Tokens);
        Assert.Equal(0.4, round.Seconds, 6);
        Assert.Equal(15, round.TokensPerSecond, 6);
        Assert.Equal(5, round.RequestsPerSecond, 6);
        // Both decode from 200 to 300 ms: one token each after 200 up to 300.
        Assert.Equal(20, round.SteadyTokensPerSecond!.Value, 6);
        Assert.Equal(100, round.Ttft.PercentileMs(50)!.Value, 0.2);
        Assert.Equal(150, round.Ttft.PercentileMs(100)!.Value, 0.2);
        Assert.Equal(4, round.InterToken.Count);
        Assert.Equal(100, round.InterToken.PercentileMs(99)!.Value, 0.2);
    }

    [Fact]
    public void StreamsThatNeverDecodeTogetherHaveNoSteadyRate() =>
        Assert.Null(Evaluate(None, [Trace(0, 100, 200)], [Trace(0, 300, 400)]).SteadyTokensPerSecond);

    [Fact]
    public void AMessageWithSeveralTokensIsOneGap()
    {
        var trace = new RequestTrace(8);
        trace.OnTokens(1, Ticks(10));
        trace.OnTokens(5, Ticks(60));
        trace.OnTokens(0);
        trace.Complete(6, 3, 1);
        var round = Evaluate(None, [trace]);
        Assert.Equal((6L, 1L, 0), (round.Tokens, round.InterToken.Count, round.CountMismatches));
        Assert.Equal((3L, 1L), (round.PromptTokens, round.CachedPromptTokens));
    }

    [Fact]
    public void TheServersCountRulesAndADifferenceIsShown()
    {
        var trace = new RequestTrace(1);
        trace.OnTokens(1, Ticks(10));
        trace.OnTokens(1, Ticks(20));
        trace.Complete(3, null, null);
        var round = Evaluate(None, [trace]);
        Assert.Equal((3L, 1), (round.Tokens, round.CountMismatches));
    }

    [Fact]
    public void FailedRequestsKeepTheirTokensAndAreNotGood()
    {
        var failed = new RequestTrace(4);
        failed.OnTokens(1, Ticks(10));
        failed.Fail("Unavailable: gone");
        failed.Fail("second");
        var unanswered = new RequestTrace(4);
        unanswered.Fail("Unavailable: gone");
        var round = Evaluate(new ServiceObjective(1000, null), [failed], [unanswered], [Trace(0, 10, 20)]);
        Assert.Equal((3, 2, 3L), (round.Requests, round.FailedRequests, round.Tokens));
        Assert.Equal(2, round.Failures["Unavailable: gone"]);
        Assert.Equal(50, round.GoodRequestsPerSecond!.Value, 6);
        Assert.Null(round.SteadyTokensPerSecond);
    }

    [Fact]
    public void GoodputHoldsFirstTokenAndMeanGapAgainstTheirLimits()
    {
        RequestTrace[][] streams = [[Trace(0, 100, 110, 120)], [Trace(0, 300, 310, 320)], [Trace(0, 100, 200, 300)], [Trace(0, 90)]];
        RoundResult With(double? ttft, double? gap) => Evaluate(new ServiceObjective(ttft, gap), streams);
        double Good(RoundResult round) => round.GoodRequestsPerSecond!.Value * round.Seconds;
        Assert.Equal(3, Good(With(200, null)), 6);
        Assert.Equal(3, Good(With(null, 50)), 6);
        Assert.Equal(2, Good(With(200, 50)), 6);
        Assert.Equal(4 / 0.32, With(200, 50).GoodTokensPerSecond!.Value, 6);
        Assert.Null(Evaluate(None, streams).GoodRequestsPerSecond);
    }

    [Fact]
    public void ARoundWithoutAnyTokenHasNoRates()
    {
        var trace = new RequestTrace(1);
        trace.Fail("no");
        var round = Evaluate(None, [trace]);
        Assert.Equal((0, 0, 0), (round.Seconds, round.TokensPerSecond, round.RequestsPerSecond));
        Assert.Null(round.ClientCpuMicrosecondsPerToken);
        Assert.Null(round.Ttft.ToPercentiles());
    }

    [Fact]
    public void PercentilesAreThoseOfTheSortedValues()
    {
        var histogram = new LatencyHistogram();
        for (var i = 1; i <= 1000; i++) histogram.RecordMicroseconds(i * 100);
        var percentiles = histogram.ToPercentiles()!;
        Assert.Equal(1000, percentiles.Count);
        // Three significant digits.
        Assert.Equal(50, percentiles.P50, 0.1);
        Assert.Equal(95, percentiles.P95, 0.1);
        Assert.Equal(99, percentiles.P99, 0.1);
        Assert.Equal(100, percentiles.Max, 0.1);
        Assert.Equal(50.05, percentiles.Mean, 0.1);
    }

    [Fact]
    public void PooledHistogramsHoldAllValues()
    {
        var (a, b) = (new LatencyHistogram(), new LatencyHistogram());
        a.RecordMicroseconds(1000);
        b.RecordMicroseconds(long.MaxValue);
        b.RecordMicroseconds(-5);
        a.Add(b);
        Assert.Equal(3, a.Count);
        Assert.Equal(1, a.PercentileMs(50)!.Value, 0.01);
        Assert.Equal(3_600_000, a.PercentileMs(100)!.Value, 3000.0);
    }

    [Theory]
    [InlineData(new double[] { }, null)]
    [InlineData(new double[] { 3 }, 3.0)]
    [InlineData(new double[] { 9, 1, 5 }, 5.0)]
    [InlineData(new double[] { 4, 1, 3, 2 }, 2.5)]
    [InlineData(new double[] { 1, double.NaN, 3 }, 2.0)]
    public void MedianIsTheMiddle(double[] values, double? expected) => Assert.Equal(expected, Median.Of(values.Select(value => (double?)value)));

    [Fact]
    public void RatiosArePairedByRoundBeforeTheMedianIsTaken()
    {
        // The machine is twice as fast in the second round: the ratio of medians would be 300 / 150 = 2.
        var ratio = RatioSummary.Compute("a", "b", "m", [100, 300, 400, null, 7], [100, 150, 200, 5, 0]);
        Assert.Equal([1, 2, 2, null, null], ratio.PerRound);
        Assert.Equal((2.0, 1.0, 2.0), (ratio.Median!.Value, ratio.Min!.Value, ratio.Max!.Value));
    }

    [Fact]
    public void RatiosOfNothingAreNothing()
    {
        var ratio = RatioSummary.Compute("a", "b", "m", [null], [1]);
        Assert.Null(ratio.Median);
        Assert.Null(ratio.Min);
    }

    [Fact]
    public void TraceTellsWhenEnoughTokensCameOrNoneWill()
    {
        var trace = new RequestTrace(1);
        var reached = trace.WhenTokens(3);
        trace.OnTokens(2, 1);
        Assert.False(reached.IsCompleted);
        trace.OnTokens(1, 2);
        Assert.True(reached.IsCompletedSuccessfully);
        var failing = new RequestTrace(1);
        var never = failing.WhenTokens(3);
        failing.Fail("x");
        Assert.True(never.IsCompletedSuccessfully);
    }

    [Fact]
    public void TraceGrowsBeyondWhatWasExpected()
    {
        var trace = new RequestTrace(0);
        for (var i = 0; i < 100; i++) trace.OnTokens(1, i);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), trace.Times.ToArray());
    }

    private static RoundResult Evaluate(ServiceObjective objective, params RequestTrace[][] streams) =>
        RoundEvaluator.Evaluate(streams, objective, closedLoop: true, TimeSpan.FromMilliseconds(1));

    private static RequestTrace Trace(int startMs, params int[] tokensAtMs)
    {
        var trace = new RequestTrace(tokensAtMs.Length) { StartedAt = Ticks(startMs) };
        foreach (var at in tokensAtMs) trace.OnTokens(1, Ticks(at));
        trace.Complete(tokensAtMs.Length, 1, 0);
        return trace;
    }

    private static long Ticks(int milliseconds) => milliseconds * Stopwatch.Frequency / 1000;
}
