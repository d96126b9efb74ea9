using System.Globalization;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's classification of code points, where it differs from .NET's.</summary>
internal static class PythonText
{
    /// <summary>The code point that starts at a UTF-16 index; a lone surrogate stands for itself.</summary>
    public static int PointAt(string text, int unit)
    {
        var c = text[unit];
        return char.IsHighSurrogate(c) && unit + 1 < text.Length && char.IsLowSurrogate(text[unit + 1]) ? char.ConvertToUtf32(c, text[unit + 1]) : c;
    }

    /// <summary>What <c>str.isspace</c>, <c>str.strip</c> and <c>\s</c> call white space.</summary>
    public static bool IsSpace(char c) => c switch
    {
        ' ' or (>= '\t' and <= '\r') or (>= '\x1c' and <= '\x1f') => true,
        < '\x80' => false,
        '\x85' or '\xa0' or '\u1680' or (>= '\u2000' and <= '\u200a') or '\u2028' or '\u2029' or '\u202f' or '\u205f' or '\u3000' => true,
        _ => false,
    };

    /// <summary>What ends a line for <c>str.splitlines</c>.</summary>
    public static bool IsLineEnd(char c) => c is '\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029';

    public static bool IsPrintable(int point)
    {
        if (point == ' ') return true;
        return CharUnicodeInfo.GetUnicodeCategory(point) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
    }

    public static bool IsAlpha(int point) => CharUnicodeInfo.GetUnicodeCategory(point) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    public static bool IsDecimal(int point) => CharUnicodeInfo.GetUnicodeCategory(point) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>Decimal digits and those that only look like one: superscripts, circled digits.</summary>
    public static bool IsDigit(int point) => point switch
    {
        < 0x80 => point is >= '0' and <= '9',
        < 0x10000 => CharUnicodeInfo.GetDigitValue((char)point) >= 0,
        _ => CharUnicodeInfo.GetDigitValue(char.ConvertFromUtf32(point), 0) >= 0,
    };

    public static bool IsNumeric(int point) => point < 0x10000
        ? !char.IsSurrogate((char)point) && CharUnicodeInfo.GetNumericValue((char)point) >= 0
        : CharUnicodeInfo.GetNumericValue(char.ConvertFromUtf32(point), 0) >= 0;

    public static bool IsAlphanumeric(int point) => IsAlpha(point) || IsDecimal(point) || IsDigit(point) || IsNumeric(point);

    /// <summary><c>\w</c> of Python's regular expressions.</summary>
    public static bool IsWord(int point) => point == '_' || IsAlphanumeric(point);

    public static bool IsUpper(int point) => CharUnicodeInfo.GetUnicodeCategory(point) == UnicodeCategory.UppercaseLetter || point is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF);

    public static bool IsLower(int point) => CharUnicodeInfo.GetUnicodeCategory(point) == UnicodeCategory.LowercaseLetter
        || point is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or (>= 0x2C0 and <= 0x2C1) or (>= 0x2E0 and <= 0x2E4) or (>= 0x2170 and <= 0x217F) or (>= 0x24D0 and <= 0x24E9);

    public static bool IsTitle(int point) => CharUnicodeInfo.GetUnicodeCategory(point) == UnicodeCategory.TitlecaseLetter;

    public static bool IsIdentifierStart(int point) => point == '_' || IsAlpha(point) || CharUnicodeInfo.GetUnicodeCategory(point) == UnicodeCategory.LetterNumber;

    public static bool IsIdentifierPart(int point) => IsIdentifierStart(point) || CharUnicodeInfo.GetUnicodeCategory(point)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation
        || point is 0xB7 or 0x387;

    public static bool IsIdentifier(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var point = PointAt(text, i);
            if (i == 0 ? !IsIdentifierStart(point) : !IsIdentifierPart(point)) return false;
            if (point > 0xFFFF) i++;
        }

        return text.Length > 0;
    }
}
