using System.Runtime.CompilerServices;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Counts what one render has used up; every operation that is not O(1) charges here before it works.</summary>
internal sealed class Budget(TemplateLimits limits)
{
    // Scanning text is much cheaper than evaluating a node: this many characters cost one step.
    private const int CharsPerStep = 32;

    private long _steps = limits.MaxSteps;
    private long _bytes = limits.MaxAllocatedBytes;
    private int _depth;

    /// <summary>The budget of the render on this thread, for what has no context at hand: comparing, hashing and iterating nested values.</summary>
    [field: ThreadStatic]
    public static Budget? Current { get; private set; }

    public TemplateLimits Limits => limits;

    /// <summary>Sets the budget of this thread and returns the one before.</summary>
    public static Budget? Use(Budget? budget)
    {
        var before = Current;
        Current = budget;
        return before;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step()
    {
        if (--_steps < 0) ThrowSteps();
    }

    public void Steps(long count)
    {
        if (count > _steps) ThrowSteps();
        _steps -= count;
    }

    /// <summary>Charges for a pass over text.</summary>
    public void Scan(long chars) => Steps(chars / CharsPerStep);

    public void Bytes(long count)
    {
        if (count > _bytes) throw new TemplateLimitException($"the render asks for more than {limits.MaxAllocatedBytes} bytes of memory");
        _bytes -= count;
    }

    /// <summary>Charges for a text of known length before it is made.</summary>
    public void Text(long chars)
    {
        if (chars > limits.MaxOutputChars) throw new TemplateLimitException($"a text is longer than {limits.MaxOutputChars} characters");
        Bytes(chars * sizeof(char));
        Scan(chars);
    }

    /// <summary>Charges for a list of known length before it is made.</summary>
    public void Items(long count)
    {
        Bytes(count * 16);
        Steps(count * 2);
    }

    public void Enter()
    {
        if (++_depth > limits.MaxDepth) throw new TemplateLimitException($"calls or values are nested deeper than {limits.MaxDepth}");
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateLimitException("the template nests too deeply for the stack");
    }

    public void Leave() => _depth--;

    private void ThrowSteps() => throw new TemplateLimitException($"the render takes more than {limits.MaxSteps} steps");
}
