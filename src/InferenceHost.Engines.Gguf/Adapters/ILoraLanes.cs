namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>The vector operations of the kernel, so that it is written once and compiled for every width.</summary>
/// <typeparam name="TVector">A vector of <see cref="Width"/> floats.</typeparam>
internal unsafe interface ILoraLanes<TVector>
    where TVector : struct
{
    /// <summary>Floats per vector; divides <see cref="ModuleWeights.BlockOutputs"/> / 4.</summary>
    static abstract int Width { get; }

    static abstract TVector Load(float* from);

    static abstract void Store(TVector vector, float* to);

    static abstract TVector Broadcast(float value);

    /// <summary>a * b + c.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    static abstract float Sum(TVector vector);

    /// <summary>Signed bytes as floats.</summary>
    static abstract TVector Widen(sbyte* from);

    /// <summary>Halves as floats; exact for every normal one.</summary>
    static abstract TVector Widen(Half* from);
}
