namespace InferenceHost.Core.Sampling;

/// <summary>What came of sampling one row.</summary>
public enum SampleOutcome
{
    /// <summary>A token was chosen.</summary>
    Sampled,

    /// <summary>A logit is NaN or positive infinity: the model or an adapter is broken. Negative infinity is allowed and means "masked".</summary>
    NonFiniteLogits,

    /// <summary>Every token is masked (negative infinity).</summary>
    NoCandidates,
}
