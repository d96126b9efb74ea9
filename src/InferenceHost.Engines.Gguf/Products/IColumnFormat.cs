using System.Runtime.Intrinsics;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>A format of ggml in which a column's blocks lie one behind the other (ggml-common.h).</summary>
internal unsafe interface IColumnFormat
{
    /// <summary>Inputs of a stored block: 32 or 256.</summary>
    static abstract int StoredInputs { get; }

    /// <summary>Bytes of a stored block.</summary>
    static abstract int StoredBytes { get; }

    /// <summary>Thirty-two quants of a stored block, <see cref="ProductLayout.ByteBias"/> above their values.</summary>
    static abstract Vector256<byte> Quants(byte* block, int part);

    /// <summary>
    /// Writes scales and offsets of eight columns' stored blocks, which begin at <paramref name="block"/> and as far behind it as <paramref name="columns"/> say, to
    /// the header of a panel's block, and those of further parts <paramref name="step"/> bytes on.
    /// </summary>
    static abstract void WriteHeaders(byte* block, in EightColumns columns, byte* target, int step);
}
