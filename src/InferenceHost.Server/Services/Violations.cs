using System.Globalization;
using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Services;

/// <summary>Collects the fields of a request that are out of range; the first few are enough to mend it.</summary>
internal sealed class Violations
{
    private const int Max = 16;
    private List<FieldViolation>? _found;

    /// <summary>Adds one.</summary>
    public void Add(string field, string found, string allowed)
    {
        _found ??= [];
        if (_found.Count < Max)
            _found.Add(new FieldViolation(field, found, allowed));
    }

    /// <summary>Checks a whole number.</summary>
    public void Range(string field, long found, long min, long max)
    {
        if (found < min || found > max)
            Add(field, found.ToString(CultureInfo.InvariantCulture), $"{min} .. {max}");
    }

    /// <summary>Checks a number; NaN is out of every range.</summary>
    public void Range(string field, float found, float min, float max, bool minIsOpen = false)
    {
        if (float.IsNaN(found) || found < min || found > max || (minIsOpen && found == min))
            Add(field, found.ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"{(minIsOpen ? "> " : "")}{min} .. {max}"));
    }

    /// <summary>Checks that a text can be written as UTF-8: JSON clients can send half a surrogate pair.</summary>
    public void Text(string field, string text)
    {
        var at = 0;
        while (text.AsSpan(at).IndexOfAnyInRange('\uD800', '\uDFFF') is var next and >= 0)
        {
            at += next;
            if (!char.IsHighSurrogate(text[at]) || at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1]))
            {
                Add(field, $"a lone surrogate at character {at}", "valid Unicode text");
                return;
            }
            at += 2;
        }
    }

    /// <summary>Refuses the request where anything was out of range.</summary>
    /// <exception cref="RefusalException">With all that were.</exception>
    public void ThrowIfAny()
    {
        if (_found is { } found)
            throw new RefusalException(Refusal.Fields(found));
    }
}
