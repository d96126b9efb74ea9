using System.CommandLine;

namespace InferenceHost.Cli.Parsing;

/// <summary>A command whose help ends in examples.</summary>
internal class CliCommand(string name, string description, params string[] examples) : Command(name, description)
{
    /// <summary>Command lines without the leading <c>inferencehost</c>.</summary>
    public IReadOnlyList<string> Examples { get; } = examples;
}
