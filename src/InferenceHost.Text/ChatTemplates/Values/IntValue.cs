using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's unbounded int: 64 bits where they suffice, a <see cref="BigInteger"/> beyond.</summary>
internal sealed class IntValue : Value
{
    private const int CacheMin = -8;
    private const int CacheMax = 1024;
    private static readonly IntValue[] Cache = [.. Enumerable.Range(CacheMin, CacheMax - CacheMin + 1).Select(i => new IntValue(i, TextOrigin.Template))];

    private readonly BigInteger _big;

    private IntValue(long small, TextOrigin origin)
    {
        Small = small;
        IsSmall = true;
        Origin = origin;
    }

    private IntValue(BigInteger big, TextOrigin origin)
    {
        _big = big;
        Origin = origin;
    }

    public bool IsSmall { get; }

    /// <summary>The value, where <see cref="IsSmall"/>.</summary>
    public long Small { get; }

    public BigInteger Big => IsSmall ? Small : _big;

    public override TextOrigin Origin { get; }

    public override string TypeName => "int";

    public override bool Truthy => !IsSmall || Small != 0;

    public static IntValue Of(long value, TextOrigin origin = TextOrigin.Template) =>
        origin == TextOrigin.Template && value is >= CacheMin and <= CacheMax ? Cache[value - CacheMin] : new IntValue(value, origin);

    public static IntValue Of(BigInteger value, TextOrigin origin = TextOrigin.Template) =>
        value >= long.MinValue && value <= long.MaxValue ? Of((long)value, origin) : new IntValue(value, origin);
}
