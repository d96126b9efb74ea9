using InferenceHost.Core.Execution;
using InferenceHost.Core.KvCache;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// What is kept for sequences that wait to go on: cells in the prefix cache, by the number they are kept under, or, once those are evicted, a state in host
/// memory. Where another sequence's cells cover the same tokens nothing is kept: they are shared, or computed again should they go as well.
/// </summary>
internal sealed class ParkedSequences(IEngine engine, KvLedger ledger, SwapStore swap)
{
    private readonly Sequence?[] _bySlot = new Sequence?[engine.Capabilities.MaxSequences];

    /// <summary>The cells under <paramref name="slot"/>, now the prefix cache's, are what the sequence goes on with.</summary>
    public void Park(Sequence sequence, EngineSequence slot) => _bySlot[slot.Value] = sequence;

    /// <summary>The prefix cache gives up <paramref name="slot"/>: saves the state where a sequence waits for it and that pays.</summary>
    public void Evicting(EngineSequence slot)
    {
        if (_bySlot[slot.Value] is { } sequence) Save(sequence, slot);
    }

    /// <summary>Saves the state of a sequence whose cells are about to be lost, where that pays.</summary>
    public void Save(Sequence sequence, EngineSequence slot) => swap.TrySave(sequence, slot, ledger.Length(slot), ledger.CountOwnCells(slot));

    /// <summary>Nothing is kept under <paramref name="slot"/> any more.</summary>
    public void Unpark(EngineSequence slot) => _bySlot[slot.Value] = null;

    /// <summary>Frees what is kept for a sequence; cells that the prefix cache has stay there.</summary>
    public void Forget(Sequence sequence)
    {
        swap.Forget(sequence);
        if (Array.IndexOf(_bySlot, sequence) is var slot and >= 0) _bySlot[slot] = null;
    }

    /// <summary>Forgets all cells, not the states in host memory.</summary>
    public void UnparkAll() => Array.Clear(_bySlot);

    /// <summary>Checks that what is kept is for a waiting sequence and what the ledger says; for tests. Throws on the first contradiction.</summary>
    public void CheckInvariants()
    {
        for (var i = 0; i < _bySlot.Length; i++)
        {
            if (_bySlot[i] is not { } sequence) continue;
            var slot = new EngineSequence(i);
            if (sequence is not { IsRunning: false, IsFinished: false, Saved: null }) throw new InvalidOperationException($"{slot} is kept for a sequence that does not need it");
            if (!ledger.IsOpen(slot) || ledger.Length(slot) != engine.Length(slot)) throw new InvalidOperationException($"{slot} is kept but is not what the ledger says");
        }
    }
}
