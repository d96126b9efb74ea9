using System.Runtime.CompilerServices;

namespace InferenceHost.Text.ChatTemplates;

internal sealed class OutputStatement(CompiledExpression[] parts, int[] positions) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i] is ConstantExpression { Value: StringValue text })
            {
                context.Output.Append(text);
                continue;
            }

            var value = parts[i].Evaluate(frame, context);
            context.Position = positions[i];
            context.Write(value);
        }

        return Flow.Next;
    }
}

/// <summary>Checks the stack every so many levels of nesting.</summary>
internal sealed class GuardStatement(CompiledStatement inner) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context) => RuntimeHelpers.TryEnsureSufficientExecutionStack()
        ? inner.Run(frame, context)
        : throw new TemplateLimitException("statements nest too deeply for the stack");
}

internal sealed class IfStatement((CompiledExpression Test, CompiledStatement[] Body)[] branches, CompiledStatement[] otherwise) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        foreach (var (test, body) in branches)
        {
            if (test.Evaluate(frame, context).Truthy) return RunAll(body, frame, context);
        }

        return RunAll(otherwise, frame, context);
    }
}

internal sealed class FlowStatement(Flow flow) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context) => flow;
}

internal sealed class SetStatement(CompiledTarget target, CompiledExpression value, CompiledTarget[] exported, string[] exportedNames, int position) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        context.Position = position;
        target.Check(frame, context);
        var assigned = value.Evaluate(frame, context);
        context.Position = position;
        target.Assign(frame, context, assigned);
        for (var i = 0; i < exported.Length; i++) context.Export(exportedNames[i], exported[i].Read(frame));
        return Flow.Next;
    }
}

/// <summary>Runs a body in a scope of its own and hands its text to an expression: set blocks and filter blocks.</summary>
internal sealed class CaptureStatement(ScopeEntry entry, CompiledStatement[] body, int captured, CompiledStatement then) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        entry.Run(frame, context);
        var flow = Flow.Next;
        var text = context.Capture(() => flow = RunAll(body, frame, context));
        if (flow != Flow.Next) return flow;
        frame.Slots[captured] = text;
        return then.Run(frame, context);
    }
}

internal sealed class ScopeStatement(ScopeEntry entry, (CompiledTarget Target, CompiledExpression Value)[] assignments, CompiledStatement[] body) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        entry.Run(frame, context);
        foreach (var (target, value) in assignments) target.Assign(frame, context, value.Evaluate(frame, context));
        return RunAll(body, frame, context);
    }
}

internal sealed class AutoEscapeStatement(ScopeEntry entry, CompiledExpression option, CompiledStatement[] body) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        entry.Run(frame, context);
        var before = context.AutoEscape;
        context.AutoEscape = option.Evaluate(frame, context).Truthy;
        var flow = RunAll(body, frame, context);
        context.AutoEscape = before;
        return flow;
    }
}

internal sealed class MacroStatement(CompiledMacro macro, int slot, string? exportedName) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        var value = new MacroValue(macro, frame);
        frame.Slots[slot] = value;
        if (exportedName is not null) context.Export(exportedName, value);
        return Flow.Next;
    }
}

/// <summary>A call block, or a generation block, which has no call and renders its body in place.</summary>
internal sealed class CallBlockStatement(CallExpression? call, CompiledMacro caller, int position) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        var body = new MacroValue(caller, frame);
        var value = call is null ? body.Call(context, CallArguments.None) : call.Call(frame, context, body);
        context.Position = position;
        context.Write(value);
        return Flow.Next;
    }
}

internal sealed class BlockStatement(string name, KeyValuePair<string, CompiledExpression>[]? scoped, bool isRequired, int position) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        context.Position = position;
        if (isRequired) throw new TemplateRenderException($"Required block '{name}' not found");
        var block = context.Blocks[name];
        context.Budget.Enter();
        if (scoped is null) block.Run(context);
        else context.WithExports([.. scoped.Select(s => new KeyValuePair<string, Value>(s.Key, s.Value.Evaluate(frame, context))).Where(s => s.Value is not UndefinedValue)], () => block.Run(context));
        context.Budget.Leave();
        return Flow.Next;
    }
}

internal sealed class FailingStatement(string message, int position) : CompiledStatement
{
    public override Flow Run(Activation frame, RenderContext context)
    {
        context.Position = position;
        throw new TemplateRenderException(message);
    }
}
