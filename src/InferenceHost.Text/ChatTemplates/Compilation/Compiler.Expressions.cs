namespace InferenceHost.Text.ChatTemplates;

/// <summary>Expressions.</summary>
internal sealed partial class Compiler
{
    private static readonly ConstantExpression None = new(NoneValue.Instance);

    private CompiledExpression Compile(Expression node, Frame frame)
    {
        EnsureStack(node);
        var guarded = ++_depth % GuardEvery == 0;
        var expression = CompileNode(node, frame);
        _depth--;
        return guarded && expression is not ConstantExpression ? new GuardExpression(expression) : expression;
    }

    private CompiledExpression CompileNode(Expression node, Frame frame) => node switch
    {
        ConstantNode n => new ConstantExpression(n.Value),
        NameNode n => Variable(frame.Symbols.Get(n.Name), n.Name, frame),
        TupleNode n => new SequenceExpression(CompileAll(n.Items, frame), isTuple: true),
        ListNode n => new SequenceExpression(CompileAll(n.Items, frame), isTuple: false),
        DictNode n => new DictExpression([.. n.Entries.Select(e => (Compile(e.Key, frame), Compile(e.Value, frame)))]),
        ConditionalNode n => CompileConditional(n, frame.Soft()),
        BinaryNode n => new BinaryExpression(n.Sign, Compile(n.Left, frame), Compile(n.Right, frame), n.Position),
        LogicNode n => new LogicExpression(n.IsAnd, Compile(n.Left, frame), Compile(n.Right, frame)),
        UnaryNode n => new UnaryExpression(n.Sign, Compile(n.Operand, frame), n.Position),
        ConcatNode n => new ConcatExpression(CompileAll(n.Parts, frame), n.Position),
        CompareNode n => new CompareExpression(Compile(n.First, frame), [.. n.Rest.Select(r => (r.Sign, Compile(r.Operand, frame)))], n.Position),
        AttributeNode n => new AttributeExpression(Compile(n.Owner, frame), n.Name, n.Position),
        ItemNode { Key: SliceNode slice } n => new SliceExpression(Compile(n.Owner, frame), Bound(slice.Start, frame), Bound(slice.Stop, frame), Bound(slice.Step, frame), IsConstant(n.Owner) && AstWalker.Children(slice).All(IsConstant), n.Position),
        ItemNode n => new ItemExpression(Compile(n.Owner, frame), Compile(n.Key, frame), n.Position),
        CallNode n => CompileCall(n, frame),
        FilterNode n => CompileFilter(n, frame, null),
        TestNode n => CompileTest(n, frame),
        SliceNode n => throw _source.Error("a slice cannot be part of a tuple subscript", n.Position),
        _ => throw new InvalidOperationException($"unknown expression {node.GetType().Name}"),
    };

    private CompiledExpression[] CompileAll(IReadOnlyList<Expression> nodes, Frame frame) => [.. nodes.Select(n => Compile(n, frame))];

    private static bool IsConstant(Node node) => node is ConstantNode
        || (node is TupleNode or ListNode or DictNode or UnaryNode or BinaryNode or ConcatNode or FilterNode && AstWalker.Children(node).All(IsConstant));

    private CompiledExpression Bound(Expression? node, Frame frame) => node is null ? None : Compile(node, frame);

    private static VariableExpression Variable(VariableRef variable, string name, Frame frame) =>
        new(frame.Function.HopsTo(variable.Function), Slot(variable), name);

    private ConditionalExpression CompileConditional(ConditionalNode node, Frame frame) => new(
        Compile(node.Test, frame),
        Compile(node.Then, frame),
        node.Else is null ? null : Compile(node.Else, frame),
        $"the inline if-expression on line {_source.Locate(node.Position).Line} evaluated to false and no else section was defined.");

    private CallExpression CompileCall(CallNode node, Frame frame) => new(Compile(node.Callee, frame), CompileArguments(node.Arguments, frame), node.Position);

    private CompiledArguments CompileArguments(ArgumentList arguments, Frame frame) => new(
        CompileAll(arguments.Positional, frame),
        [.. arguments.Named.Select(n => (n.Name, Compile(n.Value, frame)))],
        arguments.Star is null ? null : Compile(arguments.Star, frame),
        arguments.StarStar is null ? null : Compile(arguments.StarStar, frame));

    /// <param name="node">The last filter of a chain.</param>
    /// <param name="frame">Where it stands.</param>
    /// <param name="captured">Input of the first filter where the chain belongs to a block.</param>
    private CompiledExpression CompileFilter(FilterNode node, Frame frame, CompiledExpression? captured)
    {
        var input = node.Input switch
        {
            null => captured ?? throw new InvalidOperationException("a filter without input"),
            FilterNode inner when captured is not null => CompileFilter(inner, frame, captured),
            _ => Compile(node.Input, frame),
        };
        var arguments = CompileArguments(node.Arguments, frame);
        if (Filters.All.TryGetValue(node.Name, out var filter)) return new BuiltinExpression(filter, input, arguments, node.Position);
        if (!frame.IsSoft) throw _source.Error($"No filter named '{node.Name}'.", node.Position);
        return new FailingExpression($"No filter named '{node.Name}' found.", node.Position);
    }

    private CompiledExpression CompileTest(TestNode node, Frame frame)
    {
        var input = Compile(node.Input, frame);
        var arguments = CompileArguments(node.Arguments, frame);
        if (Tests.All.TryGetValue(node.Name, out var test)) return new BuiltinExpression(test, input, arguments, node.Position);
        if (!frame.IsSoft) throw _source.Error($"No test named '{node.Name}'.", node.Position);
        return new FailingExpression($"No test named '{node.Name}' found.", node.Position);
    }
}
