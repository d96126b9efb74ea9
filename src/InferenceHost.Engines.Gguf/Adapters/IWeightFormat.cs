namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>How stored weights become floats.</summary>
internal unsafe interface IWeightFormat
{
    /// <summary>Bytes per weight.</summary>
    static abstract int Bytes { get; }

    static abstract TVector Load<TLanes, TVector>(byte* weights)
        where TLanes : struct, ILoraLanes<TVector>
        where TVector : struct;

    static abstract float Load(byte* weights);
}
