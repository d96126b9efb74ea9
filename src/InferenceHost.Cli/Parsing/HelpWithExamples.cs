using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace InferenceHost.Cli.Parsing;

/// <summary>The library's help, followed by examples of the command and the exit codes.</summary>
internal sealed class HelpWithExamples(HelpAction inner) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        inner.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is CliCommand { Examples.Count: > 0 } command)
        {
            output.WriteLine("Examples:");
            foreach (string example in command.Examples)
                output.WriteLine($"  {Names.Executable} {example}");
            output.WriteLine();
        }
        output.WriteLine("Exit codes:");
        foreach ((int code, string meaning) in ExitCode.Table)
            output.WriteLine($"  {code,-4}{meaning}");
        return ExitCode.Ok;
    }
}
