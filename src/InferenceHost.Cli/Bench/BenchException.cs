namespace InferenceHost.Cli.Bench;

/// <summary>An error whose message is meant for the person who typed the command, with the exit code that belongs to it.</summary>
internal sealed class BenchException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Exit code of a run in which a ratio of <c>--min-ratio</c> was not reached.</summary>
    public const int RatioMissed = 8;

    /// <summary>One of <see cref="Cli.ExitCode"/>, or <see cref="RatioMissed"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>A wrong option: its name, what is wrong with it, and the value where that helps.</summary>
    public static BenchException Option(string option, string problem) => new(Cli.ExitCode.Usage, $"{option}: {problem}");

    /// <summary>A target that cannot be used.</summary>
    public static BenchException Target(string target, string problem, Exception? inner = null) =>
        new(Cli.ExitCode.Unavailable, $"target '{target}': {problem}", inner);
}
