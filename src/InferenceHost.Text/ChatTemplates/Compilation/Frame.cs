namespace InferenceHost.Text.ChatTemplates;

/// <summary>What the compiler knows about the place it compiles.</summary>
internal sealed record Frame(FunctionScope Function, Symbols Symbols)
{
    /// <summary>Whether assignments here are variables of the whole template.</summary>
    public bool IsTopLevel { get; init; }

    /// <summary>Whether unknown filters and tests are errors of the render only: inside if statements and inline ifs.</summary>
    public bool IsSoft { get; init; }

    /// <summary>Whether <c>break</c> and <c>continue</c> have a loop in this function.</summary>
    public bool IsInLoop { get; init; }

    public Frame Soft() => this with { IsSoft = true };

    /// <summary>A nested scope in the same function.</summary>
    public Frame Inner() => new(Function, new Symbols(Symbols, Function)) { IsInLoop = IsInLoop };

    /// <summary>A nested scope that is a function of its own.</summary>
    public Frame InnerFunction()
    {
        var function = new FunctionScope(Function);
        return new Frame(function, new Symbols(Symbols, function));
    }
}
