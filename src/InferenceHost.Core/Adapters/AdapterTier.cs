namespace InferenceHost.Core.Adapters;

/// <summary>Tiers of the adapter store.</summary>
public enum AdapterTier
{
    /// <summary>On disk.</summary>
    Stored,

    /// <summary>In host memory.</summary>
    Cached,

    /// <summary>In a slot of the engine.</summary>
    Loaded,
}
