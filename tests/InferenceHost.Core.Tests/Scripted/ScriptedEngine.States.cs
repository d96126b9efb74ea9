using System.Diagnostics.CodeAnalysis;
using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Tests.Scripted;

/// <content>States in "host memory": copies of the cells, so that a state restored wrongly gives wrong tokens, and one used after its end gives an error.</content>
internal sealed partial class ScriptedEngine
{
    private const int BytesPerCell = 16;

    /// <summary>Whether the next save works.</summary>
    public Func<bool> SaveWorks { get; set; } = () => true;

    /// <summary>Whether the next restore works.</summary>
    public Func<bool> RestoreWorks { get; set; } = () => true;

    /// <summary>States not disposed yet.</summary>
    public int OpenStates { get; private set; }

    /// <summary>Their cells, in bytes.</summary>
    public long StateBytesHeld { get; private set; }

    public int Saves { get; private set; }

    public int Restores { get; private set; }

    public long StateBytes(EngineSequence sequence) => _memory[sequence.Value].Count * BytesPerCell;

    public bool TrySave(EngineSequence sequence, long bytes, [NotNullWhen(true)] out SavedState? state)
    {
        Assert.Equal(StateBytes(sequence), bytes);
        state = null;
        if (!SaveWorks()) return false;
        Saves++;
        state = new ScriptedState(this, [.. _memory[sequence.Value].Select(cell => (cell.Token, cell.Adapter))]);
        return true;
    }

    public bool TryRestore(EngineSequence sequence, SavedState state)
    {
        var memory = _memory[sequence.Value];
        Assert.Empty(memory);
        var cells = Assert.IsType<ScriptedState>(state).Cells;
        if (!RestoreWorks() || UsedCells + cells.Length > Capabilities.PoolTokens) return false;
        Restores++;
        memory.AddRange(cells.Select(cell => new Cell(cell.Token, cell.Adapter)));
        return true;
    }

    private sealed class ScriptedState : SavedState
    {
        private readonly ScriptedEngine _engine;
        private (int Token, string Adapter)[]? _cells;

        public ScriptedState(ScriptedEngine engine, (int Token, string Adapter)[] cells)
        {
            _engine = engine;
            _cells = cells;
            engine.OpenStates++;
            engine.StateBytesHeld += Bytes;
        }

        public (int Token, string Adapter)[] Cells => _cells ?? throw new ObjectDisposedException(nameof(ScriptedState));

        public override long Bytes => Cells.Length * BytesPerCell;

        public override int Tokens => Cells.Length;

        protected override void Dispose(bool disposing)
        {
            _engine.StateBytesHeld -= Bytes;
            _engine.OpenStates--;
            _cells = null;
        }
    }
}
