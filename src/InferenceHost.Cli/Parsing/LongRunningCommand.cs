namespace InferenceHost.Cli.Parsing;

/// <summary>A command that stays until it is told to stop.</summary>
internal sealed class LongRunningCommand(string name, string description, params string[] examples)
    : CliCommand(name, description, examples), ICommandWithOwnSignals;
