using System.Text.Json;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>The variables of a render, each with its origin. Not for use by several threads while it is filled; renders only read it.</summary>
public sealed class TemplateValues
{
    private readonly Dictionary<string, Value> _values = new(StringComparer.Ordinal);

    internal IReadOnlyDictionary<string, Value> All => _values;

    /// <summary>All members of a JSON object as variables. Members named <c>…_token</c> whose value is a string are template text, everything else is message text.</summary>
    /// <param name="values">A JSON object.</param>
    /// <exception cref="ArgumentException">The element is not an object.</exception>
    public static TemplateValues FromJson(JsonElement values)
    {
        if (values.ValueKind != JsonValueKind.Object) throw new ArgumentException($"template values must be a JSON object, not {values.ValueKind}", nameof(values));
        var result = new TemplateValues();
        foreach (var member in values.EnumerateObject())
        {
            var name = JsonValues.NameOf(member);
            var isToken = name.EndsWith("_token", StringComparison.Ordinal) && member.Value.ValueKind == JsonValueKind.String;
            result.Add(name, member.Value, isToken ? TextOrigin.Template : TextOrigin.Message);
        }

        return result;
    }

    /// <summary>Sets a variable from JSON; numbers, key order and text are kept as they are written.</summary>
    /// <param name="name">Name of the variable.</param>
    /// <param name="value">Its value.</param>
    /// <param name="origin">Origin of every character in it.</param>
    public TemplateValues Add(string name, JsonElement value, TextOrigin origin = TextOrigin.Message)
    {
        _values[name] = JsonValues.Convert(value, origin);
        return this;
    }

    /// <summary>Sets a text variable, None for null. Special tokens (<c>bos_token</c>) have the origin <see cref="TextOrigin.Template"/>.</summary>
    /// <param name="name">Name of the variable.</param>
    /// <param name="value">Its value.</param>
    /// <param name="origin">Origin of every character in it.</param>
    public TemplateValues Add(string name, string? value, TextOrigin origin)
    {
        _values[name] = value is null ? NoneValue.Instance : new StringValue(value, origin);
        return this;
    }

    /// <summary>Sets a flag such as <c>add_generation_prompt</c>.</summary>
    /// <param name="name">Name of the variable.</param>
    /// <param name="value">Its value.</param>
    public TemplateValues Add(string name, bool value)
    {
        _values[name] = BoolValue.Of(value);
        return this;
    }

    /// <summary>Sets a number.</summary>
    /// <param name="name">Name of the variable.</param>
    /// <param name="value">Its value.</param>
    public TemplateValues Add(string name, long value)
    {
        _values[name] = IntValue.Of(value);
        return this;
    }
}
