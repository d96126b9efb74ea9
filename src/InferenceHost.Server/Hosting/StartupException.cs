namespace InferenceHost.Server.Hosting;

/// <summary>Why the server cannot start: what happened, what to do next, and the exit code of the process.</summary>
public sealed class StartupException : Exception
{
    /// <summary>Exit code for options out of range.</summary>
    public const int UsageExitCode = 2;

    /// <summary>Exit code for a model or adapter that is missing, damaged or cannot be served.</summary>
    public const int ModelExitCode = 3;

    /// <summary>Exit code for an address that cannot be listened on.</summary>
    public const int ListenExitCode = 4;

    /// <summary>Exit code for an engine process that cannot be started or dies.</summary>
    public const int EngineExitCode = 5;

    /// <summary>Describes a failed start.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="remedy">What to do next.</param>
    /// <param name="exitCode">Exit code of the process.</param>
    /// <param name="inner">The error behind it, if any.</param>
    public StartupException(string message, string remedy, int exitCode, Exception? inner = null)
        : base(message, inner)
    {
        Remedy = remedy;
        ExitCode = exitCode;
    }

    /// <summary>What to do next, one or two sentences.</summary>
    public string Remedy { get; }

    /// <summary>Exit code of the process, never 0.</summary>
    public int ExitCode { get; }
}
