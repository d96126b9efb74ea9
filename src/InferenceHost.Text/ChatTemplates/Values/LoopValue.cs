namespace InferenceHost.Text.ChatTemplates;

/// <summary>The <c>loop</c> of a for statement. Looks ahead only where the template asks (<c>last</c>, <c>nextitem</c>, lengths of generators).</summary>
internal sealed class LoopValue(Value source, RenderContext context, Func<Value, int, Value>? recurse, int depth0) : CallableValue
{
    private IEnumerator<Value> _items = Sequences.Iterate(source, context).GetEnumerator();
    private Value? _after;
    private Value? _current;
    private Value? _before;
    private Value[]? _changed;
    private int _length = -1;

    public override string TypeName => "LoopContext";

    public override bool Truthy => Length > 0;

    public int Index0 { get; private set; } = -1;

    public int Depth0 => depth0;

    public int Length
    {
        get
        {
            if (_length >= 0) return _length;
            if (Sequences.TryLength(source, out _length)) return _length;
            var rest = new List<Value>();
            while (_items.MoveNext())
            {
                context.Budget.Items(1);
                rest.Add(_items.Current);
            }

            _items = rest.GetEnumerator();
            return _length = rest.Count + Index0 + 1 + (_after is null ? 0 : 1);
        }
    }

    public bool IsLast => Peek() is null;

    public Value Previous => Index0 == 0 ? UndefinedValue.Because("there is no previous item") : _before!;

    public Value Next => Peek() ?? UndefinedValue.Because("there is no next item");

    public bool MoveNext(out Value item)
    {
        var next = Peek();
        if (next is null)
        {
            item = NoneValue.Instance;
            return false;
        }

        _after = null;
        Index0++;
        _before = _current;
        _current = item = next;
        return true;
    }

    /// <summary>The pairs (item, loop) that iterating over the loop itself yields.</summary>
    public IEnumerable<Value> Rest()
    {
        while (MoveNext(out var item)) yield return ListValue.Tuple(item, this);
    }

    public Value Cycle(Value[] items) =>
        items.Length == 0 ? throw new TemplateRenderException("no items for cycling given") : items[Index0 % items.Length];

    public bool HasChanged(Value[] values)
    {
        if (_changed is not null && _changed.AsSpan().SequenceEqual(values, ValueComparer.Instance)) return false;
        _changed = values;
        return true;
    }

    /// <summary>Renders the body of a recursive loop for inner items.</summary>
    public override Value Call(RenderContext context, CallArguments arguments)
    {
        if (recurse is null) throw new TemplateRenderException("The loop must have the 'recursive' marker to be called recursively.");
        if (arguments.Positional.Length + arguments.Named.Length != 1) throw new TemplateRenderException("loop() takes exactly one iterable");
        if (arguments.Positional.Length == 1) return recurse(arguments.Positional[0], depth0 + 1);
        return arguments.TryGetNamed("iterable", out var iterable) ? recurse(iterable, depth0 + 1) : throw new TemplateRenderException("loop() takes exactly one iterable");
    }

    private Value? Peek()
    {
        if (_after is null && _items.MoveNext()) _after = _items.Current;
        return _after;
    }
}
