using System.Text;
using Spectre.Console;

namespace InferenceHost.Cli;

/// <summary>Where a command reads and writes. Tests put strings in place of the console.</summary>
internal sealed class CliContext
{
    public required TextReader In { get; init; }

    /// <summary>Results. Nothing else is ever written here, so that it can be piped.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress, remarks and errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Styled view of <see cref="Out"/>; used only where <see cref="IsPretty"/>.</summary>
    public required IAnsiConsole Ansi { get; init; }

    /// <summary>Styled view of <see cref="Error"/>.</summary>
    public required IAnsiConsole AnsiError { get; init; }

    /// <summary>Results go to a terminal that understands colours and cursor movement.</summary>
    public bool IsPretty { get; init; }

    /// <summary>Progress goes to such a terminal.</summary>
    public bool IsErrorPretty { get; init; }

    /// <summary>Input is a file or a pipe, not a keyboard.</summary>
    public bool IsInputRedirected { get; init; } = true;

    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>The console of this process, UTF-8 whatever the locale says.</summary>
    public static CliContext FromConsole()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        Console.OutputEncoding = utf8;
        Console.InputEncoding = utf8;
        var ansi = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        var ansiError = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return new CliContext
        {
            // A keyboard keeps Console.In: it edits lines. A pipe is read as UTF-8 in large blocks.
            In = Console.IsInputRedirected ? new StreamReader(Console.OpenStandardInput(), utf8, false, 1 << 16) : Console.In,
            Out = Console.IsOutputRedirected ? new StreamWriter(Console.OpenStandardOutput(), utf8, 1 << 16) { AutoFlush = false } : Console.Out,
            Error = Console.Error,
            Ansi = ansi,
            AnsiError = ansiError,
            IsPretty = !Console.IsOutputRedirected && ansi.Profile.Capabilities.Ansi,
            IsErrorPretty = !Console.IsErrorRedirected && ansiError.Profile.Capabilities.Ansi,
            IsInputRedirected = Console.IsInputRedirected,
        };
    }

    /// <summary>A remark for the user, kept away from the results.</summary>
    public void Note(string message)
    {
        if (IsErrorPretty)
            AnsiError.Write(new StyledText(message + System.Environment.NewLine, new Style(Color.Grey)));
        else
            Error.WriteLine(message);
    }
}
