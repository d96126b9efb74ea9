namespace InferenceHost.Core.Sampling;

/// <summary>One of the most probable tokens of a step.</summary>
/// <param name="Id">Token id.</param>
/// <param name="LogProbability">Natural logarithm of the model's own probability (before penalties, bias, temperature and cut-offs).</param>
public readonly record struct TokenLogProbability(int Id, float LogProbability);
