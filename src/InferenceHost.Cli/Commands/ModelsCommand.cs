using System.CommandLine;
using InferenceHost.Cli.Parsing;

namespace InferenceHost.Cli.Commands;

/// <summary><c>models</c>: what there is, what it is, and which one is served.</summary>
internal static class ModelsCommand
{
    public static Command Create(CliContext cli) =>
        new CliCommand("models", "Lists, inspects, verifies, loads and unloads models.", "models list", "models inspect models/my-model.gguf")
        {
            ModelsListCommand.Create(cli),
            ModelsInspectCommand.Create(cli),
            ModelsLoadCommand.Create(cli),
            ModelsUnloadCommand.Create(cli),
            ModelsVerifyCommand.Create(cli),
        };
}
