namespace InferenceHost.Core.Requests;

/// <summary>Class of a request: batch work yields to interactive work and ages so that it is never starved.</summary>
public enum Priority
{
    /// <summary>Somebody waits for the answer.</summary>
    Interactive,

    /// <summary>Nobody looks at the clock.</summary>
    Batch,
}
