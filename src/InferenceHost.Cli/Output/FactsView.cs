using Spectre.Console;

namespace InferenceHost.Cli.Output;

/// <summary>Named facts, one a line. Facts without a value are left out.</summary>
internal sealed class FactsView
{
    private readonly List<(string Name, string Value)> _facts = [];

    public FactsView Add(string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            _facts.Add((name, value));
        return this;
    }

    public void Write(CliContext cli)
    {
        if (_facts.Count == 0)
            return;
        int width = _facts.Max(fact => fact.Name.Length);
        foreach ((string name, string value) in _facts)
        {
            if (cli.IsPretty)
            {
                cli.Ansi.Write(new StyledText(name.PadRight(width) + "  ", new Style(Color.Grey)));
                cli.Ansi.WriteLine(TerminalText.Sanitize(value));
            }
            else
            {
                cli.Out.WriteLine($"{name}:{new string(' ', width - name.Length + 1)}{value}");
            }
        }
    }
}
