namespace InferenceHost.ModelFiles.Lora;

/// <summary>Which rows of a module a tensor holds.</summary>
internal enum PeftPart
{
    /// <summary>All of them.</summary>
    All,

    /// <summary>The queries of a fused query, key and value projection.</summary>
    Query,

    /// <summary>Its keys.</summary>
    Key,

    /// <summary>Its values.</summary>
    Value,

    /// <summary>The first half (the gate of a fused gate and up projection).</summary>
    FirstHalf,

    /// <summary>The second half.</summary>
    SecondHalf,
}
