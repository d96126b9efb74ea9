using InferenceHost.Core.Execution;

namespace InferenceHost.Core.KvCache;

/// <summary>Cells promised to one step. What is not committed when it is disposed is free again.</summary>
public sealed class Reservation : IDisposable
{
    private readonly KvLedger _ledger;

    internal Reservation(KvLedger ledger) => _ledger = ledger;

    /// <summary>Turns promised cells into cells of a sequence that hold <paramref name="tokens"/>.</summary>
    public void Commit(EngineSequence sequence, ReadOnlySpan<int> tokens) => _ledger.Commit(sequence, tokens);

    /// <summary>Gives back what was not committed.</summary>
    public void Dispose() => _ledger.GiveBack();
}
