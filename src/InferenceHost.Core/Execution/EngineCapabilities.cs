namespace InferenceHost.Core.Execution;

/// <summary>What an engine says about itself.</summary>
public sealed record EngineCapabilities
{
    /// <summary>Tokens in the vocabulary = width of a row of logits.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Positions the model was trained for; a single sequence is never longer.</summary>
    public required int TrainedContextTokens { get; init; }

    /// <summary>KV cells shared by all sequences.</summary>
    public required int PoolTokens { get; init; }

    /// <summary>Sequence numbers the engine's memory knows.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Rows of one engine call at most.</summary>
    public required int MaxBatchTokens { get; init; }

    /// <summary>Rows of one engine call whose logits can be asked for.</summary>
    public int MaxOutputs { get; init; } = int.MaxValue;

    /// <summary>Whether <see cref="IEngine.Trim"/> works to any length (false for recurrent and hybrid memory).</summary>
    public required bool CanTrim { get; init; }

    /// <summary>Whether <see cref="IEngine.SharePrefix"/> works for a part of a sequence (false for recurrent and hybrid memory).</summary>
    public required bool CanSharePrefix { get; init; }

    /// <summary>Whether a batch may hold prefill chunks and decode rows together.</summary>
    public bool MixesPrefillAndDecode { get; init; } = true;

    /// <summary>How adapters are applied.</summary>
    public AdapterMode AdapterMode { get; init; }

    /// <summary>Adapter slots beside slot 0, the base model.</summary>
    public int AdapterSlots { get; init; }

    /// <summary>Where the model runs, for people: "CPU (AVX2, 2 threads)" or the GPU's name.</summary>
    public string Device { get; init; } = "";

    /// <summary>Rows of a call that the engine's matrix kernels take together: a step with prompts in it is cut to a multiple. 1 = no matter.</summary>
    public int RowMultiple { get; init; } = 1;
}
