namespace InferenceHost.Cli.Lines;

internal static class TemplateLine
{
    public static string Render(string line) => line;
}
