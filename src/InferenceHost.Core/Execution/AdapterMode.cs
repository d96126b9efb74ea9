namespace InferenceHost.Core.Execution;

/// <summary>How an engine applies adapters to the rows of a batch.</summary>
public enum AdapterMode
{
    /// <summary>No adapters.</summary>
    None,

    /// <summary>One adapter per engine call: the scheduler groups rows by adapter and lets the groups take turns.</summary>
    Grouped,

    /// <summary>Every row carries its own adapter slot.</summary>
    PerRow,
}
