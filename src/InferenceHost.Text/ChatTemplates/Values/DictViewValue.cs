namespace InferenceHost.Text.ChatTemplates;

internal enum DictViewKind
{
    Keys,
    Values,
    Items,
}

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> return: has a length and a text, but no index.</summary>
internal sealed class DictViewValue(DictValue dict, DictViewKind kind) : Value
{
    public DictValue Dict => dict;

    public DictViewKind Kind => kind;

    public override TextOrigin Origin => dict.Origin;

    public override string TypeName => kind switch { DictViewKind.Keys => "dict_keys", DictViewKind.Values => "dict_values", _ => "dict_items" };

    public override bool Truthy => dict.Count > 0;

    public Value At(int index)
    {
        var entry = dict.Entries[index];
        return kind switch
        {
            DictViewKind.Keys => entry.Key,
            DictViewKind.Values => entry.Value,
            _ => new ListValue([entry.Key, entry.Value], isTuple: true, dict.Origin),
        };
    }
}
