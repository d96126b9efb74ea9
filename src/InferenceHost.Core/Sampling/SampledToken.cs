namespace InferenceHost.Core.Sampling;

/// <summary>The token chosen for one row.</summary>
/// <param name="Id">Token id.</param>
/// <param name="LogProbability">
/// Natural logarithm of the model's own probability: log-softmax of the logits before penalties, bias, temperature and cut-offs.
/// Null unless <see cref="SamplingParameters.Logprobs"/> is set.
/// </param>
/// <param name="AlternativeCount">How many entries of the caller's buffer were filled, most probable first.</param>
public readonly record struct SampledToken(int Id, float? LogProbability, int AlternativeCount);
