using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>All filters: Jinja's, with <c>tojson</c> as transformers replaces it.</summary>
internal static class Filters
{
    public static readonly FrozenDictionary<string, Builtin> All = new Table()
        .Include(TextFilters.Table)
        .Include(LayoutFilters.Table)
        .Include(NumberFilters.Table)
        .Include(SequenceFilters.Table)
        .Include(SelectionFilters.Table)
        .Freeze();

    /// <summary>A look-up like <c>address.city</c> or <c>0.name</c>; the identity for none.</summary>
    public static Func<Value, Value> Getter(Value? attribute, RenderContext context, Value? fallback = null)
    {
        var parts = Path(attribute);
        return item =>
        {
            foreach (var part in parts)
            {
                context.Budget.Step();
                item = Sequences.GetItem(item, part, context);
                if (item is UndefinedValue && !Args.IsMissing(fallback)) item = fallback!;
            }

            return item;
        };
    }

    /// <summary>What sorting and grouping compare: text without its case unless asked for.</summary>
    public static Value IgnoreCase(Value value, bool caseSensitive, Budget budget) => !caseSensitive && value is StringValue text ? TextCase.Lower(text, budget) : value;

    public static Value[] Path(Value? attribute)
    {
        if (Args.IsMissing(attribute)) return [];
        if (attribute is not StringValue path) return [attribute!];
        return [.. path.Text.Split('.').Select(p => p.Length > 0 && p.All(char.IsAsciiDigit) && p.Length < 10 ? (Value)IntValue.Of(int.Parse(p, System.Globalization.CultureInfo.InvariantCulture)) : StringValue.Template(p))];
    }
}
