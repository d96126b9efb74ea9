using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>
/// Streams of the base model, of one adapter that stays and of one whose files take turns under ever new generations. Every stream that ends is compared
/// with the reference tokens of the file it began with. Files are read by the thread pool, as in service; the test's thread owns the engine.
/// </summary>
internal sealed class SwapLoad(Reference reference) : IStepSink
{
    private const int Base = -1, SteadyAdapter = 0;
    private readonly Random _random = new(17);
    private readonly Dictionary<SequenceId, Stream> _open = [];
    private EngineLoop _loop = null!;
    private ulong _nextId;
    private int _generation;
    private int _failed;

    public int Finished { get; private set; }

    public int Dropped { get; private set; }

    public long Loads { get; set; }

    /// <summary>Most steps in a row in which a stream that had begun got nothing.</summary>
    public int LongestSilence { get; private set; }

    public void Attach(EngineLoop loop) => _loop = loop;

    public void Begin() => AwaitReady("steady", SteadyAdapter);

    /// <summary>Puts new generations in place of old ones, whose streams go on.</summary>
    public void Swap(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var next = $"g{_generation + 1}";
            // The two large ones, so that a leak shows.
            var adapter = 1 + (_generation % 2);
            AwaitReady(next, adapter);
            if (_generation++ > 0) Drop($"g{_generation - 1}");
            for (var s = 0; s < 2; s++) Submit(next, adapter, 1 + _random.Next(4));
            Step();
            Step();
        }
    }

    /// <summary>Lets every stream end.</summary>
    public void Quiesce()
    {
        while (_open.Count > 0) Observe();
        Assert.Equal(0, _failed);
    }

    public void End()
    {
        Drop($"g{_generation}");
        Drop("steady");
        _loop.Step();
    }

    public void Publish(StepFrame frame)
    {
        foreach (var delta in frame.Deltas)
        {
            var stream = _open[delta.Id];
            stream.Tokens.AddRange(frame.Tokens(delta));
            if (delta.Finish is not { } finish) continue;
            _open.Remove(delta.Id);
            Finished++;
            if (finish.Reason != FinishReason.MaxTokens || !stream.Tokens.SequenceEqual(stream.Expected)) _failed++;
        }
    }

    private void AwaitReady(string generation, int adapter)
    {
        string? failure = null;
        var ready = false;
        _loop.RegisterAdapter(generation, reference.Adapters[adapter].Path, install: _generation % 3 != 0, why => (ready, failure) = (true, why));
        while (!ready) Step();
        Assert.Null(failure);
    }

    private void Drop(string generation) => _loop.DropAdapter(generation, () => Dropped++);

    private void Step()
    {
        if (_open.Values.All(s => s.Adapter != Base)) Submit(null, Base, 16);
        if (_generation > 0 && _open.Values.All(s => s.Adapter != SteadyAdapter)) Submit("steady", SteadyAdapter, 16);
        Observe();
    }

    private void Submit(string? generation, int adapter, int tokens)
    {
        var prompt = _random.Next(reference.Prompts.Length);
        var outputs = adapter == Base ? reference.Base[prompt] : reference.Adapters[adapter].Outputs[prompt];
        var id = new SequenceId(++_nextId);
        _open.Add(id, new Stream(adapter, [.. outputs.Take(tokens).Select(step => step.Id)]));
        _loop.Submit(new SequenceRequest
        {
            Id = id,
            Tenant = generation is null ? "base" : "bank",
            Prompt = reference.Prompts[prompt],
            MaxNewTokens = Math.Min(tokens, outputs.Length),
            Sampling = SamplingParameters.Greedy,
            IgnoreEndOfGeneration = true,
            Adapter = generation is null ? null : new AdapterBinding(generation, 1),
        });
    }

    private void Observe()
    {
        _loop.Step();
        foreach (var stream in _open.Values)
        {
            stream.Silent = stream.Tokens.Count > stream.Seen ? 0 : stream.Silent + 1;
            if (stream.Seen > 0) LongestSilence = Math.Max(LongestSilence, stream.Silent);
            stream.Seen = stream.Tokens.Count;
        }
    }

    private sealed class Stream(int adapter, int[] expected)
    {
        public int Adapter { get; } = adapter;

        public int[] Expected { get; } = expected;

        public List<int> Tokens { get; } = [];

        public int Seen { get; set; }

        public int Silent { get; set; }
    }
}
