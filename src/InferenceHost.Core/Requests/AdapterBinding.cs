namespace InferenceHost.Core.Requests;

/// <summary>The adapter a request was admitted with. It keeps this generation to its end, whatever happens to the adapter's name meanwhile.</summary>
/// <param name="Generation">Content hash of the adapter file.</param>
/// <param name="Scale">Factor on the adapter's strength; 1 = as trained.</param>
public readonly record struct AdapterBinding(string Generation, float Scale);
