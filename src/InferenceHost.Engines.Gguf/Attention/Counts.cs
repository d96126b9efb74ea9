namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>A number known when code is compiled, so that what is written for four queries shrinks to what one needs.</summary>
internal interface ICount
{
    static abstract int Value { get; }
}

/// <summary>1.</summary>
internal readonly struct One : ICount
{
    public static int Value => 1;
}

/// <summary>2.</summary>
internal readonly struct Two : ICount
{
    public static int Value => 2;
}

/// <summary>3.</summary>
internal readonly struct Three : ICount
{
    public static int Value => 3;
}

/// <summary>4.</summary>
internal readonly struct Four : ICount
{
    public static int Value => 4;
}

/// <summary>6.</summary>
internal readonly struct Six : ICount
{
    public static int Value => 6;
}
