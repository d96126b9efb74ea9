using Spectre.Console;

namespace InferenceHost.Cli.Output;

/// <summary>Rows under headings: a drawn table on a terminal, aligned columns that never wrap in a pipe.</summary>
internal sealed class TableView(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells)
    {
        if (cells.Length != columns.Length)
            throw new ArgumentException($"{cells.Length} cells for {columns.Length} columns", nameof(cells));
        _rows.Add(cells);
    }

    public void Write(CliContext cli)
    {
        if (cli.IsPretty)
            WriteDrawn(cli.Ansi);
        else
            WritePlain(cli.Out);
    }

    private void WriteDrawn(IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Rounded, BorderStyle = new Style(Color.Grey) };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(new StyledText(column, new Style(decoration: Decoration.Bold))));
        foreach (string[] row in _rows)
            table.AddRow(row.Select(cell => new StyledText(TerminalText.Sanitize(cell))));
        console.Write(table);
    }

    private void WritePlain(TextWriter output)
    {
        int[] widths = [.. columns.Select((column, i) => _rows.Select(row => row[i].Length).Append(column.Length).Max())];
        foreach (string[] row in _rows.Prepend(columns))
            output.WriteLine(string.Join("  ", row.Select((cell, i) => i == row.Length - 1 ? cell : cell.PadRight(widths[i]))).TrimEnd());
    }
}
