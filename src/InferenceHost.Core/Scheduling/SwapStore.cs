using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// States of preempted sequences in host memory, within a budget of bytes, where copying is cheaper than computing again. Copies run on the engine thread
/// between two steps, so a step has room for one copy each way and for further ones while all together stay short. Whatever cannot be saved or restored
/// is computed again.
/// </summary>
/// <remarks>Swapping against recomputation: Kwon et al., "Efficient Memory Management for Large Language Model Serving with PagedAttention", SOSP 2023.</remarks>
internal sealed class SwapStore(IEngine engine, SchedulerOptions options, StepBudget budget, TimeProvider time)
{
    /// <summary>Time that copies may take between two steps before further ones wait (restoring) or are given up (saving).</summary>
    private const double CopySecondsPerStep = 0.05;

    private readonly SwapCost _cost = new();
    private double _copySeconds;
    private int _saves, _restores;

    /// <summary>Host memory held, bytes.</summary>
    public long BytesHeld { get; private set; }

    /// <summary>Tokens saved since the start.</summary>
    public long OutTokens { get; private set; }

    /// <summary>Tokens restored since the start.</summary>
    public long InTokens { get; private set; }

    /// <summary>Whether another state may be restored before the next step; at least one always may.</summary>
    public bool MayRestore => _restores == 0 || _copySeconds < CopySecondsPerStep;

    public void ResetCounters() => OutTokens = InTokens = 0;

    public void BeginStep()
    {
        _copySeconds = 0;
        _saves = _restores = 0;
    }

    /// <summary>
    /// Saves the <paramref name="tokens"/> cells that a waiting sequence has under <paramref name="slot"/>, of which it is about to lose
    /// <paramref name="lostTokens"/>, where that pays and fits.
    /// </summary>
    public void TrySave(Sequence sequence, EngineSequence slot, int tokens, int lostTokens)
    {
        if (options.SwapMemoryBytes == 0 || lostTokens < options.SwapMinimumTokens || (_saves > 0 && _copySeconds >= CopySecondsPerStep)) return;
        var bytes = engine.StateBytes(slot);
        if (bytes <= 0 || bytes > options.SwapMemoryBytes - BytesHeld || !_cost.PaysBothWays(bytes, lostTokens, budget.PromptTokenSeconds)) return;
        var startedAt = time.GetTimestamp();
        if (!engine.TrySave(slot, bytes, out var state)) return;
        var seconds = time.GetElapsedTime(startedAt).TotalSeconds;
        if (state.Tokens != tokens)
        {
            state.Dispose();
            throw new InvalidOperationException($"{slot}: {state.Tokens} tokens saved, the ledger says {tokens}");
        }
        Forget(sequence);
        sequence.Saved = state;
        BytesHeld += state.Bytes;
        OutTokens += tokens;
        _saves++;
        _copySeconds += seconds;
        _cost.ObserveSave(state.Bytes, seconds);
    }

    /// <summary>
    /// Whether a saved state is better than the <paramref name="matched"/> tokens that the prefix cache still has. A restored sequence gets cells of its own,
    /// so where the cache has half or more it is shared and only the rest computed.
    /// </summary>
    public bool PaysToRestore(SavedState state, int matched) =>
        matched < state.Tokens - matched && _cost.PaysBack(state.Bytes, state.Tokens - matched, budget.PromptTokenSeconds);

    /// <summary>Brings a saved state back under <paramref name="slot"/>, an empty sequence number.</summary>
    public bool TryRestore(SavedState state, EngineSequence slot)
    {
        var startedAt = time.GetTimestamp();
        var restored = engine.TryRestore(slot, state);
        var seconds = time.GetElapsedTime(startedAt).TotalSeconds;
        _restores++;
        _copySeconds += seconds;
        if (!restored) return false;
        InTokens += state.Tokens;
        _cost.ObserveRestore(state.Bytes, seconds);
        return true;
    }

    /// <summary>Frees what a sequence has saved, if anything.</summary>
    public void Forget(Sequence sequence)
    {
        if (sequence.Saved is not { } state) return;
        sequence.Saved = null;
        BytesHeld -= state.Bytes;
        state.Dispose();
    }
}
