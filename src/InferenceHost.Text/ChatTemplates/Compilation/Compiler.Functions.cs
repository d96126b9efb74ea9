namespace InferenceHost.Text.ChatTemplates;

/// <summary>Loops and macros: the statements that bring functions of their own.</summary>
internal sealed partial class Compiler
{
    private ForStatement CompileFor(ForNode node, Frame frame)
    {
        var isRecursive = node.IsRecursive;
        var bodyFrame = (isRecursive ? frame.InnerFunction() : frame.Inner()) with { IsInLoop = true };
        var elseFrame = isRecursive ? new Frame(bodyFrame.Function, new Symbols(frame.Symbols, bodyFrame.Function)) : frame.Inner();
        var usesLoop = isRecursive || AstWalker.Undeclared(node.Body, "loop").Count > 0
            || AstWalker.Descendants([node]).Any(n => n is BlockNode { IsScoped: true });
        var loopSlot = usesLoop ? Slot(bodyFrame.Symbols.Declare("loop")) : -1;

        var visitor = new SymbolVisitor(_source, bodyFrame.Symbols);
        visitor.DeclareTarget(node.Target);
        visitor.VisitAll(node.Body);
        new SymbolVisitor(_source, elseFrame.Symbols).VisitAll(node.Else);
        var filter = node.Test is null ? null : CompileLoopFilter(node, frame, bodyFrame);
        if (AstWalker.Descendants([node]).FirstOrDefault(n => n is NameNode { Name: "loop", Use: NameUse.Store }) is { } assigned)
        {
            throw _source.Error("Can't assign to special loop variable in for-loop target", assigned.Position);
        }

        var body = CompileBody(node.Body, bodyFrame);
        var otherwise = CompileBody(node.Else, elseFrame);
        return new ForStatement
        {
            Iterable = Compile(node.Iterable, frame),
            Target = CompileTarget(node.Target, bodyFrame),
            LoopSlot = loopSlot,
            Entry = EntryOf(bodyFrame),
            Body = body,
            ElseEntry = EntryOf(elseFrame),
            Else = otherwise,
            Filter = filter,
            Recursive = isRecursive ? bodyFrame.Function : null,
            Position = node.Position,
        };
    }

    private LoopFilter CompileLoopFilter(ForNode node, Frame frame, Frame bodyFrame)
    {
        // The filter runs inside the function of the body (its own, where the loop is recursive), but sees the names around the loop.
        var function = new FunctionScope(bodyFrame.Function);
        var inner = new Frame(function, new Symbols(frame.Symbols, function));
        var visitor = new SymbolVisitor(_source, inner.Symbols);
        visitor.DeclareTarget(node.Target);
        visitor.Visit(node.Test!);
        var test = Compile(node.Test!, inner);
        return new LoopFilter(function, EntryOf(inner), CompileTarget(node.Target, inner), test);
    }

    private CompiledMacro CompileMacro(MacroNode node, Frame outer)
    {
        var frame = outer.InnerFunction();
        var visitor = new SymbolVisitor(_source, frame.Symbols);
        visitor.VisitAll(AstWalker.Children(node));
        var names = node.Parameters.Select(p => p.Name).ToArray();
        var special = AstWalker.Undeclared(node.Body, "caller", "kwargs", "varargs");
        var callerSlot = special.Contains("caller") ? DeclareCaller(node, names, frame) : -1;
        var kwargsSlot = special.Contains("kwargs") && !names.Contains("kwargs") ? Slot(frame.Symbols.Declare("kwargs")) : -1;
        var varargsSlot = special.Contains("varargs") && !names.Contains("varargs") ? Slot(frame.Symbols.Declare("varargs")) : -1;
        new SymbolVisitor(_source, frame.Symbols).VisitAll(AstWalker.Children(node));

        var firstDefault = names.Length - node.Defaults.Count;
        var defaults = names.Select((_, i) => i < firstDefault ? null : Compile(node.Defaults[i - firstDefault], frame)).ToArray();
        var slots = names.Select(n => Slot(frame.Symbols.Get(n))).ToArray();
        var body = CompileBody(node.Body, frame);
        return new CompiledMacro
        {
            Name = node.Name,
            Parameters = names,
            ParameterSlots = slots,
            Defaults = defaults,
            CallerSlot = callerSlot,
            KwargsSlot = kwargsSlot,
            VarargsSlot = varargsSlot,
            UsesCaller = special.Contains("caller"),
            Function = frame.Function,
            Entry = EntryOf(frame),
            Body = body,
        };
    }

    private int DeclareCaller(MacroNode node, string[] names, Frame frame)
    {
        var at = Array.IndexOf(names, "caller");
        if (at < 0) return Slot(frame.Symbols.Declare("caller"));
        if (at < names.Length - node.Defaults.Count)
        {
            throw _source.Error("When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.", node.Position);
        }

        return Slot(frame.Symbols.Get("caller"));
    }
}
