using System.Runtime.CompilerServices;

namespace InferenceHost.Text.ChatTemplates;

internal sealed class ConstantExpression(Value value) : CompiledExpression
{
    public Value Value => value;

    public override Value Evaluate(Activation frame, RenderContext context) => value;
}

internal sealed class VariableExpression(int hops, int slot, string name) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        context.Budget.Step();
        return (hops == 0 ? frame : frame.Up(hops)).Slots[slot] ?? UndefinedValue.Name(name);
    }
}

/// <summary>Checks the stack every so many levels of nesting.</summary>
internal sealed class GuardExpression(CompiledExpression inner) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context) => RuntimeHelpers.TryEnsureSufficientExecutionStack()
        ? inner.Evaluate(frame, context)
        : throw new TemplateLimitException("an expression nests too deeply for the stack");
}

internal sealed class SequenceExpression(CompiledExpression[] items, bool isTuple) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        context.Budget.Items(items.Length);
        var values = new Value[items.Length];
        for (var i = 0; i < values.Length; i++) values[i] = items[i].Evaluate(frame, context);
        return new ListValue(values, isTuple);
    }
}

internal sealed class DictExpression((CompiledExpression Key, CompiledExpression Value)[] entries) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        context.Budget.Items(entries.Length);
        var dict = new DictValue();
        foreach (var (key, value) in entries) dict.Set(key.Evaluate(frame, context), value.Evaluate(frame, context));
        return dict;
    }
}

internal sealed class ConditionalExpression(CompiledExpression test, CompiledExpression then, CompiledExpression? otherwise, string missing) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        if (test.Evaluate(frame, context).Truthy) return then.Evaluate(frame, context);
        return otherwise is null ? UndefinedValue.Because(missing) : otherwise.Evaluate(frame, context);
    }
}

internal sealed class BinaryExpression(string sign, CompiledExpression left, CompiledExpression right, int position) : CompiledExpression
{
    private readonly char _sign = sign switch { "//" => 'f', "**" => 'p', _ => sign[0] };

    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var a = left.Evaluate(frame, context);
        var b = right.Evaluate(frame, context);
        context.Position = position;
        context.Budget.Step();
        return _sign switch
        {
            '+' => Operators.Add(a, b, context),
            '-' => Operators.Subtract(a, b),
            '*' => Operators.Multiply(a, b, context),
            '/' => Operators.Divide(a, b),
            'f' => Operators.FloorDivide(a, b),
            '%' => Operators.Modulo(a, b, context),
            _ => Operators.Power(a, b, context),
        };
    }
}

internal sealed class LogicExpression(bool isAnd, CompiledExpression left, CompiledExpression right) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var first = left.Evaluate(frame, context);
        return first.Truthy == isAnd ? right.Evaluate(frame, context) : first;
    }
}

internal sealed class UnaryExpression(string sign, CompiledExpression operand, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var value = operand.Evaluate(frame, context);
        context.Position = position;
        return sign switch
        {
            "not" => BoolValue.Of(!value.Truthy),
            "-" => Operators.Negate(value),
            _ => Operators.Plus(value),
        };
    }
}

internal sealed class ConcatExpression(CompiledExpression[] parts, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var values = new Value[parts.Length];
        for (var i = 0; i < values.Length; i++) values[i] = parts[i].Evaluate(frame, context);
        context.Position = position;
        if (context.AutoEscape && Array.Exists(values, v => v is StringValue { IsMarkup: true })) return Join(values, context);
        var builder = new TextBuilder(context.Budget);
        foreach (var value in values) ValueText.AppendStr(builder, value);
        return builder.ToValue();
    }

    private static StringValue Join(Value[] values, RenderContext context)
    {
        var builder = new TextBuilder(context.Budget);
        foreach (var value in values) builder.Append(Html.Escape(ValueText.SoftStr(value, context.Budget), context.Budget));
        return builder.ToValue(markup: true);
    }
}

internal sealed class CompareExpression(CompiledExpression first, (string Sign, CompiledExpression Operand)[] rest, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var left = first.Evaluate(frame, context);
        foreach (var (sign, operand) in rest)
        {
            var right = operand.Evaluate(frame, context);
            context.Position = position;
            context.Budget.Step();
            if (!Holds(sign, left, right, context)) return BoolValue.False;
            left = right;
        }

        return BoolValue.True;
    }

    internal static bool Holds(string sign, Value left, Value right, RenderContext context) => sign switch
    {
        "==" => Operators.AreEqual(left, right),
        "!=" => !Operators.AreEqual(left, right),
        "in" => Operators.Contains(right, left, context),
        "not in" => !Operators.Contains(right, left, context),
        "<" => Operators.TryCompare(left, right, sign, context.Budget, out var order) && order < 0,
        "<=" => Operators.TryCompare(left, right, sign, context.Budget, out var order) && order <= 0,
        ">" => Operators.TryCompare(left, right, sign, context.Budget, out var order) && order > 0,
        _ => Operators.TryCompare(left, right, sign, context.Budget, out var order) && order >= 0,
    };
}

internal sealed class AttributeExpression(CompiledExpression owner, string name, int position) : CompiledExpression
{
    private readonly StringValue _key = StringValue.Template(name);

    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var value = owner.Evaluate(frame, context);
        context.Position = position;
        return Sequences.GetAttribute(value, name, _key, context);
    }
}

internal sealed class ItemExpression(CompiledExpression owner, CompiledExpression key, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var value = owner.Evaluate(frame, context);
        var at = key.Evaluate(frame, context);
        context.Position = position;
        return Sequences.GetItem(value, at, context);
    }
}

internal sealed class SliceExpression(CompiledExpression owner, CompiledExpression start, CompiledExpression stop, CompiledExpression step, bool isConstant, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var value = owner.Evaluate(frame, context);
        var from = start.Evaluate(frame, context);
        var to = stop.Evaluate(frame, context);
        var by = step.Evaluate(frame, context);
        context.Position = position;
        // Constants are folded through the ordinary subscript, which knows no errors.
        return isConstant && value is not IteratorValue && !Operators.CanSlice(value, from, to, by) ? UndefinedValue.Element(value, NoneValue.Instance) : Operators.Slice(value, from, to, by, context);
    }
}

internal sealed class CallExpression(CompiledExpression callee, CompiledArguments arguments, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context) => Call(frame, context, null);

    public Value Call(Activation frame, RenderContext context, Value? caller)
    {
        var function = callee.Evaluate(frame, context);
        var values = arguments.Evaluate(frame, context, caller);
        context.Position = position;
        return function switch
        {
            CallableValue callable => callable.Call(context, values),
            UndefinedValue undefined => throw undefined.Error(),
            _ => throw new TemplateRenderException($"'{function.TypeName}' object is not callable"),
        };
    }
}

/// <summary>A filter or a test: a built-in called with its input first.</summary>
internal sealed class BuiltinExpression(Builtin builtin, CompiledExpression input, CompiledArguments arguments, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        var value = input.Evaluate(frame, context);
        var values = arguments.Evaluate(frame, context, null).Prepend(value);
        context.Position = position;
        return builtin.Call(context, values);
    }
}

/// <summary>The collected text of a filter block, as the input of its first filter.</summary>
internal sealed class CapturedExpression(int slot) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context) => frame.Slots[slot]!;
}

/// <summary>Something that is an error only when it runs.</summary>
internal sealed class FailingExpression(string message, int position) : CompiledExpression
{
    public override Value Evaluate(Activation frame, RenderContext context)
    {
        context.Position = position;
        throw new TemplateRenderException(message);
    }
}
