namespace InferenceHost.Core.Execution;

/// <summary>A configuration error or native failure of an engine, with a message that tells an operator what to do.</summary>
public sealed class EngineException : Exception
{
    /// <summary>Creates the exception.</summary>
    public EngineException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
