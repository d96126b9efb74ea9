using InferenceHost.Core.Sampling;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Requests;

/// <summary>What a client asks for, with its prompt tokenised. Immutable.</summary>
public sealed record SequenceRequest
{
    /// <summary>Id for cancelling and for the answer.</summary>
    public required SequenceId Id { get; init; }

    /// <summary>Tenant that pays; decides fairness and who may share cells.</summary>
    public required string Tenant { get; init; }

    /// <summary>Prompt, at least one token.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>Tokens to generate at most; null = <see cref="Admission.AdmissionLimits.DefaultNewTokens"/> or what the context leaves.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplingParameters Sampling { get; init; } = SamplingParameters.Default;

    /// <summary>Stop strings.</summary>
    public StopStrings Stop { get; init; } = StopStrings.None;

    /// <summary>Tokens that end the sequence.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>Go on behind the model's own end-of-generation tokens.</summary>
    public bool IgnoreEndOfGeneration { get; init; }

    /// <summary>Adapter; null = base model.</summary>
    public AdapterBinding? Adapter { get; init; }

    /// <summary>Class.</summary>
    public Priority Priority { get; init; }

    /// <summary>Independent samples that share the prompt, 1..16; sample i uses another stream of the seed.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>Time left when submitted; null = none.</summary>
    public TimeSpan? Deadline { get; init; }
}
