namespace InferenceHost.Text.ChatTemplates;

/// <summary>What comes after a statement.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A statement ready to run; immutable and shared by all renders.</summary>
internal abstract class CompiledStatement
{
    public abstract Flow Run(Activation frame, RenderContext context);

    public static Flow RunAll(CompiledStatement[] body, Activation frame, RenderContext context)
    {
        foreach (var statement in body)
        {
            context.Budget.Step();
            var flow = statement.Run(frame, context);
            if (flow != Flow.Next) return flow;
        }

        return Flow.Next;
    }
}
