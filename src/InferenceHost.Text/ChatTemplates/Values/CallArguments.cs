namespace InferenceHost.Text.ChatTemplates;

/// <summary>The arguments of one call, unpacked: names are unique.</summary>
internal readonly struct CallArguments(Value[] positional, KeyValuePair<string, Value>[] named)
{
    public static readonly CallArguments None = new([], []);

    public Value[] Positional => positional;

    public KeyValuePair<string, Value>[] Named => named;

    public bool TryGetNamed(string name, out Value value)
    {
        foreach (var pair in named)
        {
            if (pair.Key == name)
            {
                value = pair.Value;
                return true;
            }
        }

        value = NoneValue.Instance;
        return false;
    }

    /// <summary>The same arguments after a first one.</summary>
    public CallArguments Prepend(Value first) => new([first, .. positional], named);

    public CallArguments Skip(int count) => new(positional[count..], named);
}
