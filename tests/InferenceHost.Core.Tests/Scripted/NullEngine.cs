using System.Diagnostics.CodeAnalysis;
using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Tests.Scripted;

/// <summary>An engine that computes nothing and allocates nothing: what is measured over it is the loop itself.</summary>
public sealed class NullEngine : IEngine, ITokenVocabulary
{
    private readonly int[] _lengths;
    private readonly float[] _logits;
    private readonly (bool Seen, long First, long Last)[] _allocated = new (bool, long, long)[10_000];

    public NullEngine(int sequences, int vocabulary = 64, int poolTokens = 1 << 20)
    {
        _lengths = new int[sequences];
        Size = vocabulary;
        _logits = new float[sequences * vocabulary];
        for (var row = 0; row < sequences; row++) _logits[(row * vocabulary) + 7] = 5;
        Capabilities = new EngineCapabilities
        {
            VocabularySize = vocabulary,
            TrainedContextTokens = poolTokens,
            PoolTokens = poolTokens,
            MaxSequences = sequences,
            MaxBatchTokens = 512,
            CanTrim = true,
            CanSharePrefix = true,
            AdapterMode = AdapterMode.None,
        };
    }

    public EngineCapabilities Capabilities { get; }

    public ITokenVocabulary Vocabulary => this;

    public string? LastFault => null;

    public int Size { get; }

    /// <summary>Whether what the threads that ask for logits allocate is counted, from the first time each asks.</summary>
    public bool CountAllocations { get; set; }

    public long AllocatedBytes => _allocated.Where(a => a.Seen).Sum(a => a.Last - a.First);

    public int Threads => _allocated.Count(a => a.Seen);

    public ExecutionStatus Execute(StepBatch batch)
    {
        for (var i = 0; i < batch.Count; i++) _lengths[batch.Sequences[i]] = batch.Positions[i] + 1;
        return ExecutionStatus.Completed;
    }

    public Span<float> Logits(int output)
    {
        if (CountAllocations) Count();
        return _logits.AsSpan(output % _lengths.Length * Size, Size);
    }

    public void SharePrefix(EngineSequence source, EngineSequence destination, int tokens) => _lengths[destination.Value] = tokens;

    public bool Trim(EngineSequence sequence, int length)
    {
        _lengths[sequence.Value] = Math.Min(_lengths[sequence.Value], length);
        return true;
    }

    public void Clear(EngineSequence sequence) => _lengths[sequence.Value] = 0;

    public int Length(EngineSequence sequence) => _lengths[sequence.Value];

    public long StateBytes(EngineSequence sequence) => 0;

    public bool TrySave(EngineSequence sequence, long bytes, [NotNullWhen(true)] out SavedState? state)
    {
        state = null;
        return false;
    }

    public bool TryRestore(EngineSequence sequence, SavedState state) => false;

    public PreparedAdapter PrepareAdapter(string path, CancellationToken cancellation) => throw new EngineException("none");

    public bool InstallAdapter(int slot, PreparedAdapter adapter) => true;

    public void ClearAdapter(int slot)
    {
    }

    public ReadOnlySpan<byte> Piece(int id) => "x"u8;

    public bool IsEndOfGeneration(int id) => false;

    public void Dispose()
    {
    }

    private void Count()
    {
        ref var entry = ref _allocated[Environment.CurrentManagedThreadId];
        entry.Last = GC.GetAllocatedBytesForCurrentThread();
        if (!entry.Seen) (entry.Seen, entry.First) = (true, entry.Last);
    }
}
