namespace InferenceHost.Server.Adapters;

/// <summary>Which names an adapter may have: they appear in URLs, files and logs.</summary>
internal static class AdapterNames
{
    /// <summary>The rule in words.</summary>
    public const string Rule = "1 .. 128 characters of letters, digits, '.', '_', '-', beginning with a letter or digit";

    /// <summary>Whether a name follows the rule.</summary>
    public static bool IsValid(string name) =>
        name.Length is >= 1 and <= 128 && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
