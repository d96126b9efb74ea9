namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's range; its length is limited when it is made.</summary>
internal sealed class RangeValue(long start, long stop, long step) : Value
{
    public long Start => start;

    public long Stop => stop;

    public long Step => step;

    public int Count { get; } = CountOf(start, stop, step);

    public override string TypeName => "range";

    public override bool Truthy => Count > 0;

    public long At(int index) => start + (index * step);

    /// <summary>Number of elements, capped at <see cref="int.MaxValue"/>.</summary>
    public static int CountOf(long start, long stop, long step)
    {
        var span = step > 0 ? (Int128)stop - start : (Int128)start - stop;
        if (span <= 0) return 0;
        var count = ((span - 1) / Int128.Abs(step)) + 1;
        return count > int.MaxValue ? int.MaxValue : (int)count;
    }
}
