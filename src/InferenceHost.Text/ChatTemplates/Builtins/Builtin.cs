namespace InferenceHost.Text.ChatTemplates;

/// <summary>The body of a built-in filter, test, method or function; arguments that were not given are null.</summary>
internal delegate Value BuiltinBody(RenderContext context, Value?[] arguments);

/// <summary>A built-in body that takes whatever it is given.</summary>
internal delegate Value VariadicBody(RenderContext context, CallArguments arguments);

/// <summary>A built-in filter, test, method or function with Python's rules for its parameters.</summary>
internal sealed class Builtin
{
    private readonly string[] _parameters;
    private readonly int _required;
    private readonly bool _positionalOnly;
    private readonly BuiltinBody? _body;
    private readonly VariadicBody? _variadic;

    /// <param name="name">Name for messages.</param>
    /// <param name="parameters">Names separated by blanks; optional ones end in <c>=</c>; a leading <c>/</c> makes all positional-only.</param>
    /// <param name="body">The implementation.</param>
    public Builtin(string name, string parameters, BuiltinBody body)
    {
        Name = name;
        _positionalOnly = parameters.StartsWith('/');
        var parts = parameters.TrimStart('/').Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _required = parts.Count(p => !p.EndsWith('='));
        _parameters = [.. parts.Select(p => p.TrimEnd('='))];
        _body = body;
    }

    public Builtin(string name, VariadicBody body)
    {
        Name = name;
        _parameters = [];
        _variadic = body;
    }

    public string Name { get; }

    public Value Call(RenderContext context, CallArguments arguments)
    {
        context.Budget.Steps(4);
        return _variadic is not null ? _variadic(context, arguments) : _body!(context, Bind(arguments));
    }

    private Value?[] Bind(CallArguments arguments)
    {
        var positional = arguments.Positional;
        if (positional.Length > _parameters.Length)
        {
            throw new TemplateRenderException($"{Name}() takes at most {_parameters.Length} arguments ({positional.Length} given)");
        }

        var bound = new Value?[_parameters.Length];
        positional.CopyTo(bound, 0);
        foreach (var (key, value) in arguments.Named)
        {
            var at = _positionalOnly ? -1 : Array.IndexOf(_parameters, key);
            if (at < 0) throw new TemplateRenderException($"{Name}() got an unexpected keyword argument '{key}'");
            if (bound[at] is not null) throw new TemplateRenderException($"{Name}() got multiple values for argument '{key}'");
            bound[at] = value;
        }

        for (var i = 0; i < _required; i++)
        {
            if (bound[i] is null) throw new TemplateRenderException($"{Name}() missing required argument '{_parameters[i]}'");
        }

        return bound;
    }
}
