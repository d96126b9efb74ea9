namespace InferenceHost.Cli.Parsing;

/// <summary>Marks a command that reacts to SIGINT and SIGTERM itself: the server drains, the chat stops one answer.</summary>
internal interface ICommandWithOwnSignals;
