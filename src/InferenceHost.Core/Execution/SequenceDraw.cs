using InferenceHost.Core.Scheduling;

namespace InferenceHost.Core.Execution;

/// <summary>What sampling drew for one sequence in one step. Written by the thread that draws, read by the engine thread when all are drawn.</summary>
internal struct SequenceDraw(in PlannedSequence planned, int output)
{
    /// <summary>The sequence's part of the step.</summary>
    public readonly PlannedSequence Planned = planned;

    /// <summary>Number of its first output in the step.</summary>
    public readonly int Output = output;

    /// <summary>Tokens drawn: one, and one more for every draft that was right.</summary>
    public int Tokens;

    /// <summary>Whether the row behind the last token gave no token.</summary>
    public bool Failed;

    /// <summary>What was thrown at that row; null where the logits were unusable.</summary>
    public Exception? Fault;
}
