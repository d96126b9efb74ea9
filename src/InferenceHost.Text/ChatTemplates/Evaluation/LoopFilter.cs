namespace InferenceHost.Text.ChatTemplates;

/// <summary>The <c>if</c> of a for statement: a lazy function with variables of its own.</summary>
internal sealed class LoopFilter(FunctionScope function, ScopeEntry entry, CompiledTarget target, CompiledExpression test)
{
    public IteratorValue Apply(Value source, Activation outer, RenderContext context)
    {
        return new IteratorValue("generator", Filtered());

        IEnumerable<Value> Filtered()
        {
            var frame = new Activation(function.SlotCount, outer);
            entry.Run(frame, context);
            foreach (var item in Sequences.Iterate(source, context))
            {
                context.Budget.Step();
                target.Assign(frame, context, item);
                if (test.Evaluate(frame, context).Truthy) yield return target.Read(frame);
            }
        }
    }
}
