using Spectre.Console;
using Spectre.Console.Testing;

namespace InferenceHost.Cli.Tests.Fakes;

/// <summary>One run of the command line with strings in place of the console.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    public string[] OutLines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static Task<CliRun> RunAsync(Uri? endpoint, params string[] args) => RunAsync(endpoint, "", default, args);

    public static async Task<CliRun> RunAsync(Uri? endpoint, string input, CancellationToken cancellationToken, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        using var ansi = new TestConsole();
        using var stdin = new StringReader(input);
        var cli = new CliContext
        {
            In = stdin,
            Out = output,
            Error = error,
            Ansi = ansi,
            AnsiError = ansi,
            Environment = name => name == "INFERENCEHOST_ENDPOINT" ? endpoint?.ToString() : null,
        };
        int exitCode = await CommandLine.RunAsync(args, cli, cancellationToken);
        return new CliRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>The same on a terminal with colours; Out holds both streams with their escape sequences.</summary>
    public static async Task<CliRun> RunOnTerminalAsync(Uri endpoint, params string[] args)
    {
        using var error = new StringWriter { NewLine = "\n" };
        using var ansi = new TestConsole();
        ansi.EmitAnsiSequences = true;
        ansi.Profile.Capabilities.Interactive = true;
        ansi.Profile.Capabilities.ColorSystem = ColorSystem.EightBit;
        ansi.Profile.Width = 200;
        using var stdin = new StringReader("");
        var cli = new CliContext
        {
            In = stdin,
            Out = ansi.Profile.Out.Writer,
            Error = error,
            Ansi = ansi,
            AnsiError = ansi,
            IsPretty = true,
            IsErrorPretty = true,
            Environment = _ => endpoint.ToString(),
        };
        int exitCode = await CommandLine.RunAsync(args, cli);
        return new CliRun(exitCode, ansi.Output, error.ToString());
    }
}
