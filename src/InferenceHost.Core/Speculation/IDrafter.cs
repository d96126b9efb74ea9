namespace InferenceHost.Core.Speculation;

/// <summary>Guesses the next tokens of one sequence. Owned by the engine thread.</summary>
public interface IDrafter
{
    /// <summary>Writes guesses for the tokens that follow and returns how many; 0 where there is nothing to guess or guessing does not pay.</summary>
    int Draft(Span<int> destination);

    /// <summary>Takes tokens that were appended to the sequence.</summary>
    void Append(ReadOnlySpan<int> tokens);

    /// <summary>Learns how many of the proposed tokens were right.</summary>
    void Observe(int proposed, int accepted);
}
