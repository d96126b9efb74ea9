namespace InferenceHost.Text.ChatTemplates;

/// <summary>Reads the arguments of built-ins.</summary>
internal static class Args
{
    /// <summary>An int that is given or falls back; None is refused.</summary>
    public static int Int(Value? value, int missing)
    {
        if (value is null) return missing;
        if (value is UndefinedValue u) throw u.Error();
        return Numbers.TryIndex(value, out var index) ? index : throw new TemplateRenderException($"'{value.TypeName}' object cannot be interpreted as an integer");
    }

    /// <summary>An int, or <paramref name="missing"/> where it is absent or None.</summary>
    public static int IntOrNone(Value? value, int missing) => value is NoneValue ? missing : Int(value, missing);

    public static bool Flag(Value? value, bool missing = false) => value?.Truthy ?? missing;

    public static bool IsMissing(Value? value) => value is null or NoneValue;

    public static StringValue Text(Value? value, string what) => value switch
    {
        StringValue s => s,
        UndefinedValue u => throw u.Error(),
        null => StringValue.Empty,
        _ => throw new TemplateRenderException($"{what} must be str, not {value.TypeName}"),
    };

    /// <summary>A padding width: text that long is charged before it is made.</summary>
    public static int Width(Value? value, int missing, Budget budget)
    {
        var width = Int(value, missing);
        budget.Text(Math.Max(width, 0));
        return width;
    }
}
