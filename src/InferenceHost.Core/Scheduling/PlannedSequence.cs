namespace InferenceHost.Core.Scheduling;

/// <summary>A sequence's part of a step.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Tokens">Tokens of it that the step computes (without drafts).</param>
/// <param name="DraftStart">First draft token in the plan's drafts.</param>
/// <param name="DraftCount">Draft tokens behind them.</param>
internal readonly record struct PlannedSequence(Sequence Sequence, int Tokens, int DraftStart, int DraftCount)
{
    /// <summary>Rows of the step.</summary>
    public int Rows => Tokens + DraftCount;

    /// <summary>Whether the step computes everything that is needed to sample.</summary>
    public bool Samples => Tokens == Sequence.Needed;
}
