namespace InferenceHost.Cli;

/// <summary>A failure the user can act on: one message, where it helps a next step, and the exit code. Never shown with a stack trace.</summary>
internal sealed class CliException(int exitCode, string message, string? nextStep = null) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public string? NextStep { get; } = nextStep;
}
