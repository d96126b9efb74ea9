using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>JSON as Python's <c>json.loads</c> sees it: <c>1</c> and <c>1.0</c> differ, ints are unbounded, a repeated key keeps its place and takes the last value.</summary>
internal static class JsonValues
{
    public static Value Convert(JsonElement element, TextOrigin origin)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new ArgumentException("the JSON value nests too deeply", nameof(element));
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var dict = new DictValue(origin);
                foreach (var member in element.EnumerateObject()) dict.Set(new StringValue(NameOf(member), origin), Convert(member.Value, origin));
                return dict;
            case JsonValueKind.Array:
                var items = new Value[element.GetArrayLength()];
                var i = 0;
                foreach (var item in element.EnumerateArray()) items[i++] = Convert(item, origin);
                return new ListValue(items, origin: origin);
            case JsonValueKind.String:
                return new StringValue(TextOf(element), origin);
            case JsonValueKind.Number:
                return NumberOf(element.GetRawText(), origin);
            case JsonValueKind.True or JsonValueKind.False:
                return BoolValue.Of(element.GetBoolean(), origin);
            default:
                return NoneValue.Instance;
        }
    }

    public static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate in the name: only the raw text has it.
            var raw = member.ToString();
            return Unescape(raw.AsSpan(1, EndOfString(raw) - 1));
        }
    }

    public static string TextOf(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unescape(element.GetRawText().AsSpan()[1..^1]);
        }
    }

    private static Value NumberOf(string text, TextOrigin origin)
    {
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0) return new FloatValue(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture), origin);
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var small)) return IntValue.Of(small, origin);
        if (text.Length > 4300) throw new ArgumentException($"an integer of {text.Length} digits is longer than the 4300 digits that a template can print", nameof(text));
        return IntValue.Of(BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), origin);
    }

    private static int EndOfString(string raw)
    {
        var i = 1;
        while (raw[i] != '"') i += raw[i] == '\\' ? 2 : 1;
        return i;
    }

    private static string Unescape(ReadOnlySpan<char> raw)
    {
        var text = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                text.Append(raw[i]);
                continue;
            }

            var c = raw[++i];
            if (c == 'u')
            {
                text.Append((char)ushort.Parse(raw.Slice(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 4;
            }
            else
            {
                text.Append(c switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', _ => c });
            }
        }

        return text.ToString();
    }
}
