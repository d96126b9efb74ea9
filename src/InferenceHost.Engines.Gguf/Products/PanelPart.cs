namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Some inputs of a panel of a weight: as many as stay in the first cache when they are unpacked.</summary>
/// <param name="Panel">Number of the panel: sixteen columns.</param>
/// <param name="FirstInput">The first of the inputs, a multiple of <see cref="WeightFormats.StoredInputs"/>.</param>
/// <param name="Inputs">How many, a multiple of the same.</param>
/// <param name="Ahead">How many panels further on the one lies that this thread will most likely read next: it is fetched meanwhile.</param>
internal readonly record struct PanelPart(int Panel, int FirstInput, int Inputs, int Ahead);
