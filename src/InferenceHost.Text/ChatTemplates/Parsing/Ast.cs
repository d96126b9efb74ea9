namespace InferenceHost.Text.ChatTemplates;

/// <summary>A node of the syntax tree; <paramref name="Position"/> is an offset in the normalised source.</summary>
internal abstract record Node(int Position);

internal abstract record Statement(int Position) : Node(Position);

internal abstract record Expression(int Position) : Node(Position);

/// <summary>Text and printed expressions between two statements.</summary>
internal sealed record OutputNode(IReadOnlyList<Expression> Parts, int Position) : Statement(Position);

internal sealed record ForNode(Expression Target, Expression Iterable, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else, Expression? Test, bool IsRecursive, int Position) : Statement(Position);

internal sealed record IfNode(Expression Test, IReadOnlyList<Statement> Body, IReadOnlyList<IfNode> ElseIfs, IReadOnlyList<Statement> Else, int Position) : Statement(Position);

/// <summary>A macro; <see cref="Defaults"/> belong to the last parameters.</summary>
internal sealed record MacroNode(string? Name, IReadOnlyList<NameNode> Parameters, IReadOnlyList<Expression> Defaults, IReadOnlyList<Statement> Body, int Position) : Statement(Position);

/// <summary>A call block; <see cref="Call"/> is null for a <c>generation</c> block, which only renders its body.</summary>
internal sealed record CallBlockNode(CallNode? Call, MacroNode Caller, int Position) : Statement(Position);

internal sealed record FilterBlockNode(FilterNode Filter, IReadOnlyList<Statement> Body, int Position) : Statement(Position);

internal sealed record WithNode(IReadOnlyList<Expression> Targets, IReadOnlyList<Expression> Values, IReadOnlyList<Statement> Body, int Position) : Statement(Position);

internal sealed record BlockNode(string Name, bool IsScoped, bool IsRequired, IReadOnlyList<Statement> Body, int Position) : Statement(Position);

internal sealed record AutoEscapeNode(Expression Option, IReadOnlyList<Statement> Body, int Position) : Statement(Position);

internal sealed record SetNode(Expression Target, Expression Value, int Position) : Statement(Position);

internal sealed record SetBlockNode(Expression Target, FilterNode? Filter, IReadOnlyList<Statement> Body, int Position) : Statement(Position);

/// <summary><c>include</c>, <c>import</c>, <c>from</c>, <c>extends</c>: parsed, but there is no loader, so running one is an error.</summary>
internal sealed record LoaderNode(string Tag, Expression Template, IReadOnlyList<string> Names, int Position) : Statement(Position);

internal sealed record BreakNode(int Position) : Statement(Position);

internal sealed record ContinueNode(int Position) : Statement(Position);

internal sealed record DataNode(string Text, int Position) : Expression(Position);

internal sealed record ConstantNode(Value Value, int Position) : Expression(Position);

internal enum NameUse
{
    Load,
    Store,
    Parameter,
}

internal sealed record NameNode(string Name, NameUse Use, int Position) : Expression(Position);

/// <summary><c>ns.attribute</c> as the target of an assignment.</summary>
internal sealed record NamespaceTargetNode(string Name, string Attribute, int Position) : Expression(Position);

internal sealed record TupleNode(IReadOnlyList<Expression> Items, int Position) : Expression(Position);

internal sealed record ListNode(IReadOnlyList<Expression> Items, int Position) : Expression(Position);

internal sealed record DictNode(IReadOnlyList<(Expression Key, Expression Value)> Entries, int Position) : Expression(Position);

internal sealed record ConditionalNode(Expression Test, Expression Then, Expression? Else, int Position) : Expression(Position);

internal sealed record BinaryNode(string Sign, Expression Left, Expression Right, int Position) : Expression(Position);

internal sealed record LogicNode(bool IsAnd, Expression Left, Expression Right, int Position) : Expression(Position);

internal sealed record UnaryNode(string Sign, Expression Operand, int Position) : Expression(Position);

internal sealed record ConcatNode(IReadOnlyList<Expression> Parts, int Position) : Expression(Position);

internal sealed record CompareNode(Expression First, IReadOnlyList<(string Sign, Expression Operand)> Rest, int Position) : Expression(Position);

internal sealed record AttributeNode(Expression Owner, string Name, int Position) : Expression(Position);

internal sealed record ItemNode(Expression Owner, Expression Key, int Position) : Expression(Position);

internal sealed record SliceNode(Expression? Start, Expression? Stop, Expression? Step, int Position) : Expression(Position);

/// <summary>The arguments of a call, filter or test.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Star, Expression? StarStar)
{
    public static readonly ArgumentList Empty = new([], [], null, null);
}

internal sealed record CallNode(Expression Callee, ArgumentList Arguments, int Position) : Expression(Position);

/// <summary>A filter; its input is null at the start of a filter block.</summary>
internal sealed record FilterNode(Expression? Input, string Name, ArgumentList Arguments, int Position) : Expression(Position);

internal sealed record TestNode(Expression Input, string Name, ArgumentList Arguments, int Position) : Expression(Position);
