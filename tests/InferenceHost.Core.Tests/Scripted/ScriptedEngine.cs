using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Tests.Scripted;

/// <summary>
/// An engine whose "model" is a hash over everything in a sequence's memory and its adapter: one wrong cell, position or slot changes every token behind it.
/// Counts physical cells as a unified KV cache does, and refuses what does not fit.
/// </summary>
internal sealed partial class ScriptedEngine : IEngine
{
    private readonly List<Cell>[] _memory;
    private readonly Dictionary<int, ScriptedAdapter> _slots = [];
    private readonly Dictionary<int, (ScriptedAdapter? Adapter, int Done)> _copies = [];
    private readonly List<float[]> _logits = [];
    private int _copiesSinceStep;

    public ScriptedEngine(EngineCapabilities? capabilities = null)
    {
        Capabilities = capabilities ?? DefaultCapabilities;
        Scripted = new ScriptedVocabulary(Capabilities.VocabularySize);
        _memory = [.. Enumerable.Range(0, Capabilities.MaxSequences).Select(_ => new List<Cell>())];
    }

    public static EngineCapabilities DefaultCapabilities { get; } = new()
    {
        VocabularySize = 64,
        TrainedContextTokens = 512,
        PoolTokens = 1024,
        MaxSequences = 32,
        MaxBatchTokens = 128,
        CanTrim = true,
        CanSharePrefix = true,
        AdapterMode = AdapterMode.PerRow,
        AdapterSlots = 4,
    };

    public ScriptedVocabulary Scripted { get; }

    public EngineCapabilities Capabilities { get; }

    public ITokenVocabulary Vocabulary => Scripted;

    /// <summary>Called before every step; what it returns is the step's outcome.</summary>
    public Func<StepBatch, ExecutionStatus> BeforeStep { get; set; } = _ => ExecutionStatus.Completed;

    /// <summary>What the engine says of a step that failed.</summary>
    public string? LastFault { get; set; }

    /// <summary>Called on the thread that asks, before logits are given; may throw.</summary>
    public Action<int> BeforeLogits { get; set; } = _ => { };

    /// <summary>Whether a step that fails leaves its rows in memory, as the real engine may.</summary>
    public bool FailuresLeaveRows { get; set; }

    /// <summary>Where set, the "model" counts modulo this number instead of hashing: text that repeats itself.</summary>
    public int? Cycle { get; set; }

    /// <summary>Calls that it takes to copy an adapter into a slot.</summary>
    public int CopySteps { get; set; } = 1;

    /// <summary>Whether an adapter cannot be read now, by its path.</summary>
    public Func<string, bool> IsGone { get; set; } = _ => false;

    /// <summary>Whether the copy of an adapter fails, by its path.</summary>
    public Func<string, bool> CopyFails { get; set; } = _ => false;

    /// <summary>Most calls that copied something without a step between them.</summary>
    public int MostCopiesBetweenSteps { get; private set; }

    public int UsedCells => _memory.SelectMany(m => m).Distinct().Count();

    public int Steps { get; private set; }

    public int LargestBatch { get; private set; }

    public List<int> AdapterSlotsOfLastStep { get; } = [];

    /// <summary>Adapters read so far, and those of them that nobody has let go of.</summary>
    public int PreparedAdapters { get; private set; }

    public int LivingAdapters { get; private set; }

    public ExecutionStatus Execute(StepBatch batch)
    {
        var status = BeforeStep(batch);
        if (status is ExecutionStatus.NoCacheRoom or ExecutionStatus.InvalidBatch) return status;
        var rows = status == ExecutionStatus.Completed ? batch.Count : FailuresLeaveRows ? batch.Count : 0;
        if (UsedCells + rows > Capabilities.PoolTokens) return ExecutionStatus.NoCacheRoom;
        Steps++;
        _copiesSinceStep = 0;
        LargestBatch = Math.Max(LargestBatch, batch.Count);
        AdapterSlotsOfLastStep.Clear();
        _logits.Clear();
        for (var i = 0; i < rows; i++) Compute(batch, i);
        return status;
    }

    public Span<float> Logits(int output)
    {
        BeforeLogits(output);
        return _logits[output];
    }

    public void SharePrefix(EngineSequence source, EngineSequence destination, int tokens)
    {
        Assert.Empty(_memory[destination.Value]);
        _memory[destination.Value].AddRange(_memory[source.Value].Take(tokens));
        Assert.Equal(tokens, _memory[destination.Value].Count);
    }

    public bool Trim(EngineSequence sequence, int length)
    {
        var memory = _memory[sequence.Value];
        if (length >= memory.Count) return true;
        if (!Capabilities.CanTrim) return false;
        memory.RemoveRange(length, memory.Count - length);
        return true;
    }

    public void Clear(EngineSequence sequence) => _memory[sequence.Value].Clear();

    public int Length(EngineSequence sequence) => _memory[sequence.Value].Count;

    public PreparedAdapter PrepareAdapter(string path, CancellationToken cancellation)
    {
        if (path.StartsWith("bad", StringComparison.Ordinal) || IsGone(path)) throw new EngineException($"{path} is no adapter");
        PreparedAdapters++;
        LivingAdapters++;
        return new ScriptedAdapter(path, () => LivingAdapters--);
    }

    public bool InstallAdapter(int slot, PreparedAdapter adapter)
    {
        Assert.InRange(slot, 1, Capabilities.AdapterSlots);
        var scripted = Assert.IsType<ScriptedAdapter>(adapter);
        if (CopyFails(scripted.Path))
        {
            ClearAdapter(slot);
            throw new EngineException($"no memory for {scripted.Path}");
        }
        if (_copies.GetValueOrDefault(slot).Adapter != scripted)
        {
            _slots.Remove(slot);
            _copies[slot] = (scripted, 0);
        }
        MostCopiesBetweenSteps = Math.Max(MostCopiesBetweenSteps, ++_copiesSinceStep);
        _copies[slot] = (scripted, _copies[slot].Done + 1);
        if (_copies[slot].Done < CopySteps) return false;
        _copies.Remove(slot);
        _slots[slot] = scripted;
        return true;
    }

    public void ClearAdapter(int slot)
    {
        _slots.Remove(slot);
        _copies.Remove(slot);
    }

    public void Dispose()
    {
    }

    /// <summary>The greedy continuation that the "model" gives for a prompt, computed apart from any memory.</summary>
    public int[] Expect(IEnumerable<int> prompt, int count, string adapter = "")
    {
        var tokens = prompt.ToList();
        var start = tokens.Count;
        while (tokens.Count - start < count)
        {
            var next = Best(Hash(tokens, adapter));
            tokens.Add(next);
            if (next == Scripted.EndToken) break;
        }
        return [.. tokens.Skip(start)];
    }

    private void Compute(StepBatch batch, int row)
    {
        var memory = _memory[batch.Sequences[row]];
        Assert.Equal(memory.Count, batch.Positions[row]);
        var slot = batch.AdapterSlots[row];
        var adapter = slot == 0 ? "" : _slots[slot].Path;
        memory.Add(new Cell(batch.Tokens[row], adapter));
        AdapterSlotsOfLastStep.Add(slot);
        if (!batch.WantsLogits[row]) return;
        Assert.DoesNotContain(memory, cell => cell.Adapter != adapter);
        var hash = Hash(memory.Select(c => c.Token), adapter);
        var logits = new float[Capabilities.VocabularySize];
        for (var i = 0; i < logits.Length; i++) logits[i] = (Mix(hash + (ulong)i) % 1000) / 250f;
        logits[Cycle is { } cycle ? (batch.Tokens[row] + 1) % cycle : Best(hash)] = 9;
        _logits.Add(logits);
    }

    private int Best(ulong hash) => (int)(Mix(hash ^ 0x5bd1e995) % (ulong)Capabilities.VocabularySize);

    private static ulong Hash(IEnumerable<int> tokens, string adapter)
    {
        var hash = adapter.Aggregate(14695981039346656037UL, (h, c) => Mix(h ^ c));
        return tokens.Aggregate(hash, (h, t) => Mix(h ^ (uint)t));
    }

    private static ulong Mix(ulong x)
    {
        x = unchecked((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9);
        x = unchecked((x ^ (x >> 27)) * 0x94D049BB133111EB);
        return x ^ (x >> 31);
    }

    private sealed class Cell(int token, string adapter)
    {
        public int Token { get; } = token;

        public string Adapter { get; } = adapter;
    }

    private sealed class ScriptedAdapter(string path, Action released) : PreparedAdapter
    {
        private bool _isReleased;

        public string Path { get; } = path;

        public override long Bytes => 1000;

        public override int Rank => 8;

        protected override void Dispose(bool disposing)
        {
            if (!_isReleased) released();
            _isReleased = true;
        }
    }
}
