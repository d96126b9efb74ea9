namespace InferenceHost.Cli.Commands;

/// <summary>Text that is given as an argument or piped in.</summary>
internal static class PromptInput
{
    /// <summary>The argument; standard input where it is absent or "-".</summary>
    /// <exception cref="CliException">There is neither.</exception>
    public static async Task<string> ReadAsync(CliContext cli, string? argument, string name, CancellationToken cancellationToken)
    {
        if (argument is not (null or "-"))
            return argument;
        if (argument is null && !cli.IsInputRedirected)
            throw new CliException(ExitCode.Usage, $"{name} is missing.", "Give it as an argument or pipe it in.");
        return await cli.In.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
    }
}
