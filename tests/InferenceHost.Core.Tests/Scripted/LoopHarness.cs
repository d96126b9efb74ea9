using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using Microsoft.Extensions.Time.Testing;

namespace InferenceHost.Core.Tests.Scripted;

/// <summary>A loop over the scripted engine, stepped by the test's own thread, with invariants checked after every step.</summary>
internal sealed class LoopHarness : IDisposable
{
    private ulong _nextId;

    public LoopHarness(EngineCapabilities? capabilities = null, Func<SchedulerOptions, SchedulerOptions>? configure = null, Func<LoopOptions, LoopOptions>? options = null)
    {
        Engine = new ScriptedEngine(capabilities);
        var scheduling = new SchedulerOptions { Parallel = 8, MaxBatchTokens = 64 };
        var loop = new LoopOptions { Scheduling = configure?.Invoke(scheduling) ?? scheduling, CheckInvariants = true, RunOffThread = work => work() };
        Loop = new EngineLoop(Engine, Collector, options?.Invoke(loop) ?? loop, Time);
    }

    public FakeTimeProvider Time { get; } = new();

    public ScriptedEngine Engine { get; }

    public Collector Collector { get; } = new();

    public EngineLoop Loop { get; }

    public LoopCounters Counters
    {
        get
        {
            LoopCounters? counters = null;
            Loop.ReadCounters(c => counters = c);
            Loop.Step();
            return counters!;
        }
    }

    public SequenceRequest Request(int[] prompt, int maxNewTokens, string tenant = "t") => new()
    {
        Id = new SequenceId(++_nextId),
        Tenant = tenant,
        Prompt = prompt,
        MaxNewTokens = maxNewTokens,
        Sampling = SamplingParameters.Greedy,
        IgnoreEndOfGeneration = true,
    };

    public Collector.Answer Run(SequenceRequest request)
    {
        Loop.Submit(request);
        Settle();
        return Collector.Answers[(request.Id, 0)];
    }

    /// <summary>Steps until nothing is left to do.</summary>
    public int Settle(int maxSteps = 100_000)
    {
        var steps = 0;
        while (Loop.Step())
        {
            Time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(++steps < maxSteps, "the loop does not come to rest");
        }
        return steps;
    }

    public void Dispose() => Loop.Dispose();

    public static int[] Prompt(int seed, int length, int vocabulary = 60)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))];
    }
}
