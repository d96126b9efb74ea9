using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>One sequence's part of a token frame, as spans into the received bytes; valid while the frame is.</summary>
internal ref struct DeltaView
{
    /// <summary>Sequence the delta belongs to.</summary>
    public ulong SequenceId;

    /// <summary>Which of the n samples, from 0.</summary>
    public int Index;

    /// <summary>Whole UTF-8 characters.</summary>
    public ReadOnlySpan<byte> Text;

    /// <summary>Token ids.</summary>
    public ReadOnlySpan<int> TokenIds;

    /// <summary>Log-probabilities, one per token where asked for; null otherwise.</summary>
    public List<Wire.Logprob>? Logprobs;

    /// <summary>Only in the last delta of a sample.</summary>
    public Wire.Finish? Finish;

    /// <summary>Tokens of the prompt; only in the first delta of a sequence, 0 otherwise.</summary>
    public int PromptTokens;

    /// <summary>Of these, cached ones.</summary>
    public int CachedPromptTokens;
}
