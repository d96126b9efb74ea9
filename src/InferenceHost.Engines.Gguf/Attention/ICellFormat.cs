namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>How keys and values of a cache cell are stored.</summary>
internal unsafe interface ICellFormat
{
    /// <summary>Floats <paramref name="index"/> and following of a row; the index is a multiple of the vector's width, which divides the row.</summary>
    static abstract TVector Load<TVector>(byte* row, int index)
        where TVector : struct;
}
