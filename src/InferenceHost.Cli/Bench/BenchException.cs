namespace InferenceHost.Cli.Bench;

/// <summary>An error whose message is meant for the person who typed the command, with the exit code that belongs to it.</summary>
internal sealed class BenchException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="BenchExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>A wrong option: its name, what is wrong with it, and the value where that helps.</summary>
    public static BenchException Option(string option, string problem) => new(BenchExitCode.Usage, $"{option}: {problem}");

    /// <summary>A target that cannot be used.</summary>
    public static BenchException Target(string target, string problem, Exception? inner = null) =>
        new(BenchExitCode.TargetUnusable, $"target '{target}': {problem}", inner);
}
