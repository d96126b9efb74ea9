namespace InferenceHost.Core;

/// <summary>A request field that was refused: an expected outcome, reported as a value.</summary>
/// <param name="Field">Name of the field as the caller knows it (for example <c>top_p</c> or <c>stop[3]</c>).</param>
/// <param name="Found">What was given, in invariant notation.</param>
/// <param name="Allowed">What is allowed, with the numbers.</param>
public readonly record struct FieldError(string Field, string Found, string Allowed)
{
    /// <summary>One sentence with field, found value and allowed range.</summary>
    public override string ToString() => $"{Field} is {Found}; allowed: {Allowed}";
}
