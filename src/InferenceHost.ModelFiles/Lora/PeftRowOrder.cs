namespace InferenceHost.ModelFiles.Lora;

/// <summary>Order of the rows within an attention head. RoPE turns either neighbours or row i with row i + half; converters store the rows
/// as the engine's kernel for the architecture wants them.</summary>
internal enum PeftRowOrder
{
    /// <summary>As Hugging Face has them.</summary>
    Same,

    /// <summary>Both halves of a head interleaved.</summary>
    Pairs,

    /// <summary>The rotated rows taken apart again: those at even places, then those at odd ones.</summary>
    Halves,
}
