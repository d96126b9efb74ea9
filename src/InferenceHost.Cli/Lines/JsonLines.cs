namespace InferenceHost.Cli.Lines;

/// <summary>One line of JSON in, one line out, for scripts.</summary>
internal static class JsonLines
{
    /// <summary>
    /// Writes <paramref name="transform"/> of every line of standard input; blank lines are skipped. Each answer is flushed, so that a script may
    /// wait for it before it sends the next line.
    /// </summary>
    /// <returns>The exit code: always ok, since an answer says itself whether it is an error.</returns>
    public static Task<int> TransformAsync(CliContext cli, Func<string, string> transform, CancellationToken cancellationToken) =>
        TransformAsync(cli, (line, _) => ValueTask.FromResult(transform(line)), cancellationToken);

    /// <summary>As the other overload, for transforms that wait.</summary>
    public static async Task<int> TransformAsync(
        CliContext cli, Func<string, CancellationToken, ValueTask<string>> transform, CancellationToken cancellationToken)
    {
        while (await cli.In.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            cli.Out.WriteLine(await transform(line, cancellationToken).ConfigureAwait(false));
            await cli.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        return ExitCode.Ok;
    }
}
