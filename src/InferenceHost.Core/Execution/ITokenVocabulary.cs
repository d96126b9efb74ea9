namespace InferenceHost.Core.Execution;

/// <summary>Read-only view of a vocabulary; safe for any thread.</summary>
public interface ITokenVocabulary
{
    /// <summary>Number of tokens; ids are 0..Size - 1.</summary>
    int Size { get; }

    /// <summary>Bytes of a token as they appear in output text; empty for control tokens. Not necessarily valid UTF-8 alone.</summary>
    ReadOnlySpan<byte> Piece(int id);

    /// <summary>Whether the token ends a generation (end of sequence, end of turn, …).</summary>
    bool IsEndOfGeneration(int id);
}
