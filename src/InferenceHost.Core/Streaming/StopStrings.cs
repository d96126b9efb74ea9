using System.Globalization;
using System.Text;

namespace InferenceHost.Core.Streaming;

/// <summary>
/// The stop strings of a request as bytes, with the border table of Knuth, Morris and Pratt (SIAM J. Comput. 6(2), 1977) for each: how far to fall back when the next
/// byte does not fit. Immutable; shared by all sequences of a request.
/// </summary>
public sealed class StopStrings
{
    /// <summary>Most stop strings of a request.</summary>
    public const int MaxCount = 64;

    /// <summary>Most bytes of one stop string in UTF-8.</summary>
    public const int MaxBytes = 1024;

    private readonly byte[][] _patterns;
    private readonly short[][] _borders;

    private StopStrings(byte[][] patterns)
    {
        _patterns = patterns;
        _borders = Array.ConvertAll(patterns, BorderTable);
        LongestBytes = patterns.Length == 0 ? 0 : patterns.Max(pattern => pattern.Length);
    }

    /// <summary>No stop strings.</summary>
    public static StopStrings None { get; } = new([]);

    /// <summary>Number of stop strings.</summary>
    public int Count => _patterns.Length;

    /// <summary>Length of the longest one; a matcher holds back fewer bytes than that.</summary>
    public int LongestBytes { get; }

    /// <summary>Checks and prepares the stop strings of a request.</summary>
    /// <param name="values">What the caller asked for.</param>
    /// <param name="stops">The stop strings, when they are usable.</param>
    /// <param name="error">The first violation otherwise, with its index in <paramref name="values"/>.</param>
    public static bool TryCreate(IReadOnlyList<string> values, out StopStrings stops, out FieldError error)
    {
        ArgumentNullException.ThrowIfNull(values);
        stops = None;
        error = default;
        if (values.Count > MaxCount)
        {
            error = new FieldError("stop", $"{Text(values.Count)} strings", $"at most {MaxCount} strings");
            return false;
        }

        var patterns = new byte[values.Count][];
        for (var index = 0; index < patterns.Length; index++)
        {
            if (Encode(values[index], out patterns[index]) is not { } refused)
                continue;
            error = new FieldError($"stop[{Text(index)}]", refused.Found, refused.Allowed);
            return false;
        }

        stops = patterns.Length == 0 ? None : new StopStrings(patterns);
        return true;
    }

    internal ReadOnlySpan<byte> Pattern(int index) => _patterns[index];

    internal ReadOnlySpan<short> Borders(int index) => _borders[index];

    private static (string Found, string Allowed)? Encode(string value, out byte[] bytes)
    {
        bytes = [];
        if (string.IsNullOrEmpty(value))
            return ("empty", $"1 to {MaxBytes} bytes of UTF-8");
        for (var index = 0; index < value.Length; index++)
        {
            if (!char.IsSurrogate(value[index]))
                continue;
            if (!char.IsHighSurrogate(value[index]) || index + 1 == value.Length || !char.IsLowSurrogate(value[index + 1]))
                return ($"a text with a lone surrogate at character {Text(index)}", "well-formed Unicode");
            index++;
        }

        bytes = Encoding.UTF8.GetBytes(value);
        return bytes.Length > MaxBytes ? ($"{Text(bytes.Length)} bytes", $"1 to {MaxBytes} bytes of UTF-8") : null;
    }

    // Entry i: length of the longest proper prefix of the pattern that also ends its first i + 1 bytes.
    private static short[] BorderTable(byte[] pattern)
    {
        var borders = new short[pattern.Length];
        short border = 0;
        for (var index = 1; index < pattern.Length; index++)
        {
            while (border > 0 && pattern[index] != pattern[border])
                border = borders[border - 1];
            if (pattern[index] == pattern[border])
                border++;
            borders[index] = border;
        }

        return borders;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
