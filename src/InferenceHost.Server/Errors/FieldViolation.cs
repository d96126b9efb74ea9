namespace InferenceHost.Server.Errors;

/// <summary>One field that is out of its range: what was found and what is allowed, as numbers where numbers are the matter.</summary>
/// <param name="Field">Path of the field, such as <c>prompt_token_ids[3]</c>.</param>
/// <param name="Found">What the request holds.</param>
/// <param name="Allowed">What would have been accepted.</param>
internal readonly record struct FieldViolation(string Field, string Found, string Allowed)
{
    /// <summary>One sentence with both.</summary>
    public string Description => $"found {Found}, allowed {Allowed}";
}
