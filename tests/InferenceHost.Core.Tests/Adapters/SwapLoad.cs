using InferenceHost.Core.Requests;
using InferenceHost.Core.Streaming;
using InferenceHost.Core.Tests.Execution;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Adapters;

/// <summary>
/// Streams of the base model, of one adapter that stays and of one whose generations replace each other. Counts, in steps, how long a running
/// stream goes without a token and how long a stream waits for its first one after its generation became ready; compares every stream with
/// the tokens of the generation it began with.
/// </summary>
internal sealed class SwapLoad(LoopHarness harness, Queue<Action> offThread, int seed)
{
    private const string Steady = "steady";
    private readonly Random _random = new(seed);
    private readonly List<Stream> _open = [];
    private readonly List<WeakReference> _names = [];
    private string? _current;
    private int _generation;

    public int Finished { get; private set; }

    public int Dropped { get; private set; }

    /// <summary>Most steps in a row in which a stream that had begun got nothing.</summary>
    public int LongestSilence { get; private set; }

    /// <summary>Most steps from a stream's submission to its first token; it is submitted when its generation is ready.</summary>
    public int LongestStart { get; private set; }

    /// <summary>Most generations known at once.</summary>
    public int MostKnown { get; private set; }

    /// <summary>Generations whose name something still holds: whatever remembers a generation holds its name.</summary>
    public int CountRemembered()
    {
        GC.Collect();
        return _names.Count(name => name.IsAlive);
    }

    public void Begin() => AwaitReady(Steady, install: true);

    /// <summary>Puts the next generation in place of the last, whose streams go on.</summary>
    public void Swap()
    {
        var next = $"g{++_generation}";
        _names.Add(new WeakReference(next));
        AwaitReady(next, install: _random.Next(2) == 0);
        if (_current is { } previous) harness.Loop.DropAdapter(previous, () => Dropped++);
        _current = next;
        for (var i = 0; i < 2; i++) Submit(next, 1 + _random.Next(8));
        for (var i = 4 + _random.Next(3); i > 0; i--) Step();
    }

    /// <summary>Drops what is left and lets every stream end.</summary>
    public void End()
    {
        harness.Loop.DropAdapter(_current!, () => Dropped++);
        harness.Loop.DropAdapter(Steady, () => Dropped++);
        while (_open.Count > 0) Observe();
        harness.Loop.DropPrefixCache();
        harness.Settle();
    }

    // The file arrives some steps after it was asked for, as from a disk.
    private void AwaitReady(string generation, bool install)
    {
        var ready = false;
        harness.Loop.RegisterAdapter(generation, $"{generation}.gguf", install, failure => ready = failure is null);
        for (var i = _random.Next(3); i >= 0; i--) Step();
        while (offThread.TryDequeue(out var work)) work();
        while (!ready) Step();
    }

    private void Step()
    {
        foreach (var adapter in new[] { "", Steady })
        {
            if (_open.Count(s => s.Generation == adapter) < 2 && (adapter.Length == 0 || _current is not null)) Submit(adapter, 5 + _random.Next(20));
        }
        Observe();
        harness.Loop.ReadAdapters(known => MostKnown = Math.Max(MostKnown, known.Count));
    }

    private void Submit(string generation, int tokens)
    {
        // Few prompts: a prefix computed under another generation must never be taken for this one's.
        var request = harness.Request(LoopHarness.Prompt(_random.Next(3), 12), tokens, generation.Length == 0 ? "base" : "bank") with
        {
            Adapter = generation.Length == 0 ? null : new AdapterBinding(generation, 1),
        };
        _open.Add(new Stream(request, generation));
        harness.Loop.Submit(request);
    }

    private void Observe()
    {
        harness.Loop.Step();
        harness.Time.Advance(TimeSpan.FromMilliseconds(1));
        foreach (var stream in _open.ToArray())
        {
            var answer = harness.Collector.Answers.GetValueOrDefault((stream.Request.Id, 0));
            var count = answer?.Tokens.Count ?? 0;
            stream.Silent = count > stream.Seen ? 0 : stream.Silent + 1;
            if (stream.Seen > 0) LongestSilence = Math.Max(LongestSilence, stream.Silent);
            else LongestStart = Math.Max(LongestStart, stream.Silent + (count > 0 ? 1 : 0));
            stream.Seen = count;
            if (answer?.Finish is { } finish) Check(stream, answer, finish);
        }
    }

    private void Check(Stream stream, Collector.Answer answer, SequenceFinish finish)
    {
        Assert.Equal(FinishReason.MaxTokens, finish.Reason);
        var path = stream.Generation.Length == 0 ? "" : $"{stream.Generation}.gguf";
        Assert.Equal(EngineLoopTests.ExpectIgnoringEnd(harness, stream.Request.Prompt.ToArray(), stream.Request.MaxNewTokens!.Value, path), answer.Tokens);
        Assert.True(_open.Remove(stream));
        harness.Collector.Answers.Remove((stream.Request.Id, 0));
        Finished++;
    }

    private sealed class Stream(SequenceRequest request, string generation)
    {
        public SequenceRequest Request { get; } = request;

        public string Generation { get; } = generation;

        public int Seen { get; set; }

        public int Silent { get; set; }
    }
}
