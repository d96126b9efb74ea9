namespace InferenceHost.Text.ChatTemplates;

/// <summary>Turns the syntax tree into nodes that run: names become slots, filters and tests are looked up, scopes follow Jinja's rules.</summary>
internal sealed partial class Compiler
{
    private const int GuardEvery = 24;

    private readonly SourceText _source;
    private readonly Dictionary<string, CompiledBlock> _blocks = [];
    private readonly bool _hasBlocks;
    private int _depth;

    private Compiler(SourceText source, IReadOnlyList<Statement> body)
    {
        _source = source;
        _hasBlocks = AstWalker.Descendants(body).Any(n => n is BlockNode);
    }

    public static CompiledTemplate Compile(SourceText source, IReadOnlyList<Statement> body) => new Compiler(source, body).CompileTemplate(body);

    private CompiledTemplate CompileTemplate(IReadOnlyList<Statement> body)
    {
        var function = new FunctionScope(null);
        var frame = new Frame(function, new Symbols(null, function)) { IsTopLevel = true };
        var selfSlot = AstWalker.Undeclared(body, "self").Count > 0 ? Slot(frame.Symbols.Declare("self")) : -1;
        new SymbolVisitor(_source, frame.Symbols).VisitAll(body);
        var compiled = CompileBody(body, frame);
        var entry = EntryOf(frame);
        CompileBlocks(body);
        return new CompiledTemplate(function, entry, compiled, selfSlot, _blocks);
    }

    private void CompileBlocks(IReadOnlyList<Statement> body)
    {
        if (!_hasBlocks) return;
        foreach (var node in AstWalker.Descendants(body).OfType<BlockNode>())
        {
            var function = new FunctionScope(null);
            var frame = new Frame(function, new Symbols(null, function));
            var special = AstWalker.Undeclared(node.Body, "self", "super");
            var selfSlot = special.Contains("self") ? Slot(frame.Symbols.Declare("self")) : -1;
            var superSlot = special.Contains("super") ? Slot(frame.Symbols.Declare("super")) : -1;
            var block = new CompiledBlock(function, selfSlot, superSlot, node.Name);
            if (!_blocks.TryAdd(node.Name, block)) throw _source.Error($"block '{node.Name}' defined twice", node.Position);
            new SymbolVisitor(_source, frame.Symbols).VisitAll(node.Body);
            block.Body = CompileBody(node.Body, frame);
            block.Entry = EntryOf(frame);
        }
    }

    private CompiledStatement[] CompileBody(IReadOnlyList<Statement> body, Frame frame)
    {
        var compiled = new CompiledStatement[body.Count];
        for (var i = 0; i < compiled.Length; i++) compiled[i] = CompileStatement(body[i], frame);
        return compiled;
    }

    private CompiledStatement CompileStatement(Statement node, Frame frame)
    {
        EnsureStack(node);
        var guarded = ++_depth % GuardEvery == 0;
        CompiledStatement statement = node switch
        {
            OutputNode n => CompileOutput(n, frame),
            ForNode n => CompileFor(n, frame),
            IfNode n => CompileIf(n, frame),
            SetNode n => CompileSet(n.Target, Compile(n.Value, frame), n.Position, frame),
            SetBlockNode n => CompileSetBlock(n, frame),
            MacroNode n => new MacroStatement(CompileMacro(n, frame), Slot(frame.Symbols.Get(n.Name!)), _hasBlocks && frame.IsTopLevel ? n.Name : null),
            CallBlockNode n => new CallBlockStatement((CallExpression?)(n.Call is null ? null : CompileCall(n.Call, frame)), CompileMacro(n.Caller, frame), n.Position),
            FilterBlockNode n => CompileFilterBlock(n, frame),
            WithNode n => CompileWith(n, frame),
            AutoEscapeNode n => CompileAutoEscape(n, frame),
            BlockNode n => CompileBlockUse(n, frame),
            BreakNode n => CompileFlow(Flow.Break, n, frame),
            ContinueNode n => CompileFlow(Flow.Continue, n, frame),
            LoaderNode n => new FailingStatement($"'{n.Tag}' needs a template loader, and chat templates have none", n.Position),
            _ => throw new InvalidOperationException($"unknown statement {node.GetType().Name}"),
        };
        _depth--;
        return guarded ? new GuardStatement(statement) : statement;
    }

    private OutputStatement CompileOutput(OutputNode node, Frame frame) =>
        new([.. node.Parts.Select(p => p is DataNode data ? new ConstantExpression(StringValue.Template(data.Text)) : Printed(p, frame))], [.. node.Parts.Select(p => p.Position)]);

    /// <summary>A printed expression; constants other than text are wrapped so that they are not mistaken for template text under autoescape.</summary>
    private CompiledExpression Printed(Expression part, Frame frame)
    {
        var compiled = Compile(part, frame);
        return compiled is ConstantExpression { Value: StringValue } ? new GuardExpression(compiled) : compiled;
    }

    private FlowStatement CompileFlow(Flow flow, Statement node, Frame frame) => frame.IsInLoop
        ? new FlowStatement(flow)
        : throw _source.Error($"'{(flow == Flow.Break ? "break" : "continue")}' outside loop", node.Position);

    private IfStatement CompileIf(IfNode node, Frame frame)
    {
        var soft = frame.Soft();
        var branches = node.ElseIfs.Prepend(node).Select(b => (Compile(b.Test, soft), CompileBody(b.Body, soft))).ToArray();
        return new IfStatement(branches, CompileBody(node.Else, soft));
    }

    private SetStatement CompileSet(Expression target, CompiledExpression value, int position, Frame frame)
    {
        var names = _hasBlocks && frame.IsTopLevel ? TargetNames(target).Distinct().ToArray() : [];
        return new SetStatement(CompileTarget(target, frame), value, [.. names.Select(n => new NameTarget(Slot(frame.Symbols.Get(n))))], names, position);
    }

    private static IEnumerable<string> TargetNames(Expression target) => target switch
    {
        NameNode name => [name.Name],
        TupleNode tuple => tuple.Items.SelectMany(TargetNames),
        _ => [],
    };

    private CaptureStatement CompileSetBlock(SetBlockNode node, Frame frame)
    {
        var inner = frame.Inner();
        new SymbolVisitor(_source, inner.Symbols).VisitAll(node.Body);
        var captured = TemporarySlot(frame);
        var body = CompileBody(node.Body, inner);
        CompiledExpression value = new CapturedExpression(captured);
        if (node.Filter is not null)
        {
            // The names in the filter's arguments belong to the inner scope as well.
            new SymbolVisitor(_source, inner.Symbols).Visit(node.Filter);
            value = CompileFilter(node.Filter, inner, value);
        }

        return new CaptureStatement(EntryOf(inner), body, captured, CompileSet(node.Target, value, node.Position, frame));
    }

    private CaptureStatement CompileFilterBlock(FilterBlockNode node, Frame frame)
    {
        var inner = frame.Inner();
        new SymbolVisitor(_source, inner.Symbols).VisitAll(AstWalker.Children(node));
        var captured = TemporarySlot(frame);
        var body = CompileBody(node.Body, inner);
        var filtered = CompileFilter(node.Filter, inner, new CapturedExpression(captured));
        return new CaptureStatement(EntryOf(inner), body, captured, new OutputStatement([filtered], [node.Position]));
    }

    private ScopeStatement CompileWith(WithNode node, Frame frame)
    {
        var inner = frame.Inner();
        var visitor = new SymbolVisitor(_source, inner.Symbols);
        visitor.VisitAll(node.Targets);
        visitor.VisitAll(node.Body);
        var assignments = node.Targets.Zip(node.Values, (t, v) => (CompileTarget(t, inner), Compile(v, frame))).ToArray();
        var body = CompileBody(node.Body, inner);
        return new ScopeStatement(EntryOf(inner), assignments, body);
    }

    private AutoEscapeStatement CompileAutoEscape(AutoEscapeNode node, Frame frame)
    {
        var inner = frame.Inner();
        new SymbolVisitor(_source, inner.Symbols).VisitAll(AstWalker.Children(node));
        var option = Compile(node.Option, inner);
        var body = CompileBody(node.Body, inner);
        return new AutoEscapeStatement(EntryOf(inner), option, body);
    }

    private BlockStatement CompileBlockUse(BlockNode node, Frame frame)
    {
        KeyValuePair<string, CompiledExpression>[]? scoped = null;
        if (node.IsScoped)
        {
            scoped = [.. frame.Symbols.VisibleStores().Select(s => new KeyValuePair<string, CompiledExpression>(s.Key, Variable(s.Value, s.Key, frame)))];
        }

        return new BlockStatement(node.Name, scoped, node.IsRequired, node.Position);
    }

    private CompiledTarget CompileTarget(Expression target, Frame frame) => target switch
    {
        NameNode name => new NameTarget(Slot(frame.Symbols.Get(name.Name))),
        NamespaceTargetNode n => new NamespaceTarget(Variable(frame.Symbols.Get(n.Name), n.Name, frame), n.Attribute),
        TupleNode tuple => new TupleTarget([.. tuple.Items.Select(i => CompileTarget(i, frame))]),
        _ => throw new InvalidOperationException($"unknown target {target.GetType().Name}"),
    };

    private ScopeEntry EntryOf(Frame frame)
    {
        var items = frame.Symbols.Loads.Select(l => new ScopeEntry.Item(
            Slot(l.Target),
            l.Kind,
            l.Kind == LoadKind.Resolve ? l.Source.Identifier : "",
            l.Kind == LoadKind.Alias ? frame.Function.HopsTo(l.Source.Function) : 0,
            l.Kind == LoadKind.Alias ? Slot(l.Source) : 0));
        return new ScopeEntry([.. items]);
    }

    private static int Slot(VariableRef variable) => variable.Function.SlotOf(variable.Identifier);

    private static int TemporarySlot(Frame frame) => frame.Function.SlotOf($"temporary {frame.Function.SlotCount}");

    private void EnsureStack(Node node)
    {
        if (!System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw _source.Error("the template is nested too deeply", node.Position);
    }
}
