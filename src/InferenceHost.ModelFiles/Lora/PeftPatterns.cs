using System.Text.RegularExpressions;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>
/// <c>rank_pattern</c> or <c>alpha_pattern</c>: modules with a number of their own. A key is a regular expression for a module's name, or
/// for the last parts of it; the first that matches decides (PEFT, <c>get_pattern_key</c>).
/// </summary>
/// <param name="path">The configuration, for messages.</param>
/// <param name="field">Which of the two.</param>
internal sealed class PeftPatterns(string path, string field)
{
    // Without backtracking the time of a match is bounded by the lengths of key and name.
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
    private readonly List<(Regex Pattern, double Number)> _entries = [];

    /// <exception cref="ModelFileException">The key is no regular expression, or one that takes backtracking.</exception>
    public void Add(string key, double number)
    {
        try
        {
            // Alone first, as the error shows what was compiled.
            _ = new Regex(key, Options);
            _entries.Add((new Regex($"^(.*\\.)?({key})$", Options), number));
        }
        catch (NotSupportedException error)
        {
            throw Bad(key, "a lookahead, a lookbehind, a back reference, or too many repetitions", "a regular expression without these",
                error);
        }
        catch (ArgumentException error)
        {
            throw Bad(key, error.Message.TrimEnd('.'), "a regular expression", error);
        }
    }

    /// <summary>A module's number; <paramref name="missing"/> where no key matches.</summary>
    public double Find(string module, double missing)
    {
        foreach (var (pattern, number) in _entries)
        {
            if (pattern.IsMatch(module))
                return number;
        }

        return missing;
    }

    private ModelFileException Bad(string key, string found, string allowed, Exception error) =>
        new(path, $"{field} '{key}'", found, allowed, "Write the names of the modules out.", null, error);
}
