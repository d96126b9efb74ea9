using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Streaming;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

public sealed class EngineLoopTests
{
    [Fact]
    public void OneRequestGivesTheModelsTokens()
    {
        using var harness = new LoopHarness();
        var prompt = LoopHarness.Prompt(1, 20);
        var answer = harness.Run(harness.Request(prompt, 30));
        Assert.Equal(ExpectIgnoringEnd(harness, prompt, 30), answer.Tokens);
        Assert.Equal(FinishReason.MaxTokens, answer.Finish!.Reason);
        Assert.Equal(20, answer.Finish.Usage.PromptTokens);
        Assert.Equal(30, answer.Finish.Usage.CompletionTokens);
    }

    [Fact]
    public void RequestsThatJoinAndLeaveAtEveryStepGiveTheSameTokensAsAlone()
    {
        using var harness = new LoopHarness();
        var requests = Enumerable.Range(0, 40).Select(i => harness.Request(LoopHarness.Prompt(i, 1 + (i * 7 % 90)), 1 + (i * 5 % 40), $"tenant {i % 3}")).ToList();
        foreach (var request in requests)
        {
            harness.Loop.Submit(request);
            harness.Loop.Step();
        }
        harness.Settle();
        foreach (var request in requests)
            Assert.Equal(ExpectIgnoringEnd(harness, request.Prompt.ToArray(), request.MaxNewTokens!.Value), harness.Collector.Answers[(request.Id, 0)].Tokens);
    }

    [Fact]
    public void EndOfGenerationStopsAndIsPartOfTheTokens()
    {
        using var harness = new LoopHarness();
        var (prompt, expected) = FindEnding(harness.Engine);
        var answer = harness.Run(harness.Request(prompt, 200) with { IgnoreEndOfGeneration = false });
        Assert.Equal(expected, answer.Tokens);
        Assert.Equal(harness.Engine.Scripted.EndToken, answer.Tokens[^1]);
        Assert.Equal(FinishReason.Stop, answer.Finish!.Reason);
        Assert.Equal(expected.Length - 1, answer.Text.Length);
    }

    [Fact]
    public void StopTokenEndsTheSequence()
    {
        using var harness = new LoopHarness();
        var prompt = LoopHarness.Prompt(3, 10);
        var expected = ExpectIgnoringEnd(harness, prompt, 10);
        var stopAt = Array.FindIndex(expected, 3, t => Array.IndexOf(expected, t) >= 3);
        var answer = harness.Run(harness.Request(prompt, 10) with { StopTokens = [expected[stopAt]] });
        Assert.Equal(expected[..(stopAt + 1)], answer.Tokens);
        Assert.Equal(FinishReason.Stop, answer.Finish!.Reason);
    }

    [Fact]
    public void StopStringIsCutFromTheText()
    {
        using var harness = new LoopHarness();
        var prompt = LoopHarness.Prompt(4, 10);
        var whole = harness.Run(harness.Request(prompt, 20)).Text.ToString();
        var stop = whole[7..10];
        Assert.True(StopStrings.TryCreate([stop], out var stops, out _));
        var answer = harness.Run(harness.Request(prompt, 20) with { Stop = stops });
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], answer.Text.ToString());
        Assert.Equal(FinishReason.StopSequence, answer.Finish!.Reason);
    }

    [Fact]
    public void CancelledStreamFreesItsCells()
    {
        using var harness = new LoopHarness(configure: o => o with { PrefixCache = false });
        var request = harness.Request(LoopHarness.Prompt(5, 100), 200);
        harness.Loop.Submit(request);
        for (var i = 0; i < 5; i++) harness.Loop.Step();
        Assert.True(harness.Engine.UsedCells > 0);
        harness.Loop.Cancel(request.Id);
        harness.Settle();
        Assert.Equal(0, harness.Engine.UsedCells);
        Assert.Equal(FinishReason.Cancelled, harness.Collector.Answers[(request.Id, 0)].Finish!.Reason);
        var counters = harness.Counters;
        Assert.Equal(counters.CellsAcquired, counters.CellsReleased);
    }

    [Fact]
    public void SamplesOfOneRequestShareThePromptAndDiffer()
    {
        using var harness = new LoopHarness();
        var request = harness.Request(LoopHarness.Prompt(6, 50), 20) with { Samples = 4, Sampling = new SamplingParameters { Temperature = 3, Seed = 7 } };
        harness.Loop.Submit(request);
        harness.Settle();
        var samples = Enumerable.Range(0, 4).Select(i => harness.Collector[request.Id.Value, i]).ToList();
        Assert.All(samples, s => Assert.Equal(20, s.Tokens.Count));
        Assert.Equal(4, samples.Select(s => s.Text.ToString()).Distinct().Count());
        Assert.All(samples.Skip(1), s => Assert.Equal(49, s.Finish!.Usage.CachedPromptTokens));
        Assert.Equal(50 + 3, harness.Counters.PrefillTokens + harness.Counters.DecodeTokens - (4 * 20) + 3);
    }

    [Fact]
    public void TheSameSeedGivesTheSameTokens()
    {
        using var harness = new LoopHarness();
        var request = harness.Request(LoopHarness.Prompt(8, 10), 30) with { Sampling = new SamplingParameters { Temperature = 2, Seed = 11 } };
        var first = harness.Run(request);
        var second = harness.Run(request with { Id = new SequenceId(1000) });
        Assert.Equal(first.Tokens, second.Tokens);
    }

    [Theory]
    [InlineData(0, 5, "prompt")]
    [InlineData(512, null, "prompt")]
    [InlineData(500, 13, "max_tokens")]
    [InlineData(5, 0, "max_tokens")]
    [InlineData(5, -3, "max_tokens")]
    [InlineData(5, int.MaxValue, "max_tokens")]
    public void WhatCanNeverFitIsRefusedWithFieldAndNumbers(int promptTokens, int? maxNewTokens, string field)
    {
        using var harness = new LoopHarness();
        var answer = harness.Run(harness.Request(LoopHarness.Prompt(9, promptTokens), 1) with { MaxNewTokens = maxNewTokens });
        Assert.Equal(RefusalKind.InvalidArgument, answer.Finish!.Refusal!.Kind);
        Assert.Equal(field, answer.Finish.Refusal.Field);
        Assert.NotNull(answer.Finish.Refusal.Found);
        Assert.NotNull(answer.Finish.Refusal.Allowed);
        Assert.Empty(answer.Tokens);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(64)]
    [InlineData(int.MaxValue)]
    public void TokenIdsOutOfRangeAreRefused(int id)
    {
        using var harness = new LoopHarness();
        var answer = harness.Run(harness.Request([1, id], 4));
        Assert.Equal("TOKEN_OUT_OF_RANGE", answer.Finish!.Refusal!.Reason);
    }

    [Fact]
    public void FailedStepLeavesNoTrace()
    {
        using var harness = new LoopHarness();
        var failures = 0;
        harness.Engine.FailuresLeaveRows = true;
        harness.Engine.BeforeStep = _ => ++failures % 3 == 0 ? ExecutionStatus.Failed : ExecutionStatus.Completed;
        var prompt = LoopHarness.Prompt(10, 150);
        Assert.Equal(ExpectIgnoringEnd(harness, prompt, 40), harness.Run(harness.Request(prompt, 40)).Tokens);
        Assert.True(harness.Counters.FailedSteps > 5);
    }

    [Fact]
    public void SamplesThatAFailedStepThrewBackDoNotWaitForAPromptBehindThem()
    {
        using var harness = new LoopHarness(
            ScriptedEngine.DefaultCapabilities with { PoolTokens = 60_000, TrainedContextTokens = 2048, MaxSequences = 160, CanTrim = false, CanSharePrefix = false },
            options => options with { Parallel = 64, MaxBatchTokens = 128 });
        var requests = Enumerable.Range(0, 4).Select(i => harness.Request(LoopHarness.Prompt(i, 12), 200) with { Samples = 16 }).ToList();
        requests.ForEach(harness.Loop.Submit);
        for (var i = 0; i < 40; i++) harness.Loop.Step();
        Assert.Equal(64, harness.Counters.Running);
        var fails = true;
        harness.Engine.FailuresLeaveRows = true;
        harness.Engine.BeforeStep = _ =>
        {
            var status = fails ? ExecutionStatus.Failed : ExecutionStatus.Completed;
            fails = false;
            return status;
        };
        harness.Settle();
        Assert.All(requests, request => Assert.All(Enumerable.Range(0, 16), sample => Assert.Equal(200, harness.Collector.Answers[(request.Id, sample)].Tokens.Count)));
    }

    [Fact]
    public void EngineThatKeepsFailingEndsTheRequestAndNotTheLoop()
    {
        var faults = new List<Exception>();
        using var harness = new LoopHarness(options: options => options with { OnFault = faults.Add });
        harness.Engine.BeforeStep = _ => ExecutionStatus.Failed;
        harness.Engine.LastFault = "the rows were not ours";
        var refusal = harness.Run(harness.Request([1, 2, 3], 4)).Finish!.Refusal!;
        Assert.Equal("ENGINE_FAILED", refusal.Reason);
        Assert.Contains("Failed: the rows were not ours", refusal.Message, StringComparison.Ordinal);
        // The log has each of them.
        Assert.Equal(3, faults.Count);
        Assert.All(faults, fault => Assert.Contains("3 rows failed and is undone: Failed: the rows were not ours", fault.Message, StringComparison.Ordinal));
        harness.Engine.BeforeStep = _ => ExecutionStatus.Completed;
        Assert.Equal(4, harness.Run(harness.Request([1, 2, 3], 4)).Tokens.Count);
    }

    [Fact]
    public void DeadlineEndsTheSequence()
    {
        using var harness = new LoopHarness();
        harness.Loop.Submit(harness.Request([1, 2, 3], 400) with { Deadline = TimeSpan.FromMilliseconds(50) });
        harness.Settle();
        var answer = harness.Collector[1];
        Assert.Equal(RefusalKind.Deadline, answer.Finish!.Refusal!.Kind);
        Assert.InRange(answer.Tokens.Count, 10, 60);
    }

    [Fact]
    public void QueueLimitRefusesWithARetryHint()
    {
        using var harness = new LoopHarness(options: o => o with { MaxWaiting = 10 });
        for (var i = 0; i < 30; i++) harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 5), 5));
        harness.Settle();
        var refused = harness.Collector.Answers.Values.Where(a => a.Finish!.Refusal is not null).ToList();
        Assert.Equal(20, refused.Count);
        Assert.All(refused, a => Assert.True(a.Finish!.Refusal!.RetryAfter > TimeSpan.Zero));
    }

    internal static int[] ExpectIgnoringEnd(LoopHarness harness, int[] prompt, int count, string adapter = "")
    {
        var all = new List<int>();
        while (all.Count < count) all.AddRange(harness.Engine.Expect(prompt.Concat(all), count - all.Count, adapter));
        return [.. all];
    }

    private static (int[] Prompt, int[] Expected) FindEnding(ScriptedEngine engine)
    {
        for (var seed = 0; ; seed++)
        {
            var prompt = LoopHarness.Prompt(seed, 12);
            var expected = engine.Expect(prompt, 200);
            if (expected.Length is > 5 and < 100) return (prompt, expected);
        }
    }
}
