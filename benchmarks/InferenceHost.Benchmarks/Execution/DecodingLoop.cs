using System.Diagnostics;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Benchmarks.Execution;

/// <summary>Steps in which every sequence decodes one token and nothing else happens. Whatever else does happen in them is an error.</summary>
/// <remarks>The thread that steps allocates nothing; 3 KB that may be seen over all steps together are another thread's, after the collection that BenchmarkDotNet forces.</remarks>
internal sealed class DecodingLoop : IStepSink, IDisposable
{
    private const int MostPrefillSteps = 1_000;

    private readonly EngineLoop _loop;
    private readonly SamplingParameters _sampling;
    private readonly int _sequences, _steps;
    private readonly List<SequenceId> _running = [];
    private ulong _lastId;
    private int _news;
    private LoopCounters _before = null!;

    public DecodingLoop(IEngine engine, int sequences, int steps, SamplingParameters sampling)
    {
        (_sequences, _steps, _sampling) = (sequences, steps, sampling);
        _loop = new EngineLoop(engine, this, new LoopOptions { Scheduling = new SchedulerOptions { Parallel = sequences, MaxBatchTokens = 512 } });
    }

    /// <summary>Enters new sequences and computes their prompts.</summary>
    public void Begin()
    {
        for (var i = 0; i < _sequences; i++)
        {
            var id = new SequenceId(++_lastId);
            _running.Add(id);
            _loop.Submit(new SequenceRequest
            {
                Id = id,
                Tenant = $"t{i % 8}",
                Prompt = new int[] { 1, 2, 3 },
                MaxNewTokens = MostPrefillSteps + _steps + 2,
                Sampling = _sampling,
            });
        }
        _news = 0;
        for (var step = 0; _news < _sequences && step < MostPrefillSteps; step++) _loop.Step();
        _before = Counters();
    }

    /// <summary>Runs until the code is compiled for good: with few sequences a measurement would be over before that.</summary>
    public void WarmUp()
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(1);)
        {
            Begin();
            Run();
            End();
        }
    }

    /// <summary>The steps to measure.</summary>
    public void Run()
    {
        for (var step = 0; step < _steps; step++) _loop.Step();
    }

    /// <summary>Throws unless every sequence has decoded one token in each step since <see cref="Begin"/>; ends them all.</summary>
    public void End()
    {
        var now = Counters();
        // Reading the counters takes a step, too.
        var (expected, decoded, prefilled) = (_sequences * (_steps + 1L), now.DecodeTokens - _before.DecodeTokens, now.PrefillTokens - _before.PrefillTokens);
        if (decoded != expected || prefilled != 0)
            throw new InvalidOperationException($"{_sequences} sequences decoded {decoded} tokens in {_steps + 1} steps instead of {expected}, {prefilled} tokens were prefilled");
        _running.ForEach(_loop.Cancel);
        _running.Clear();
        _loop.DropPrefixCache();
        while (_loop.Step()) ;
    }

    public void Publish(StepFrame frame) => _news = frame.Deltas.Count;

    public void Dispose() => _loop.Dispose();

    private LoopCounters Counters()
    {
        LoopCounters? counters = null;
        _loop.ReadCounters(c => counters = c);
        _loop.Step();
        return counters!;
    }
}
