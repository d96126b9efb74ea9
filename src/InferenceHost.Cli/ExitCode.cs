namespace InferenceHost.Cli;

/// <summary>What the process returns. Scripts rely on these numbers; the table is part of every help text.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Failure = 1;
    public const int Usage = 2;
    public const int Unavailable = 3;
    public const int NotFound = 4;
    public const int Conflict = 5;
    public const int LimitReached = 6;
    public const int TimedOut = 7;
    public const int Cancelled = 130;

    /// <summary>Number and meaning, in the order they are documented.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Table { get; } =
    [
        (Ok, "done"),
        (Failure, "failed: the message says why"),
        (Usage, "bad command line, or a value the server refuses"),
        (Unavailable, "no server at the endpoint, or it is not ready"),
        (NotFound, "no such model, adapter or file"),
        (Conflict, "not possible in the present state, e.g. swap lost to another swap"),
        (LimitReached, "a limit of the server or tenant is reached: try again later"),
        (TimedOut, "--timeout ended the call"),
        (Cancelled, "cancelled with Ctrl-C"),
    ];
}
