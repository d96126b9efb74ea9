using System.Globalization;
using System.Text;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>Draws panels side by side as a stand-alone SVG: no script, no external font, readable on dark pages.</summary>
internal static class SvgPlot
{
    private const int PanelWidth = 400;
    private const int PanelHeight = 330;
    private const int Left = 58;
    private const int Right = 16;
    private const int Top = 34;
    private const int AxisBottom = 46;
    private const int LegendLine = 16;

    /// <summary>Draws the panels.</summary>
    public static string Draw(IReadOnlyList<PlotPanel> panels)
    {
        var legend = panels.Count == 0 ? 0 : panels.Max(panel => panel.Series.Count) * LegendLine;
        var (width, height) = (panels.Count * PanelWidth, PanelHeight + legend + 8);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="11">""").Append('\n');
        svg.Append(CultureInfo.InvariantCulture, $"""<rect width="{width}" height="{height}" fill="#ffffff"/>""").Append('\n');
        for (var i = 0; i < panels.Count; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"""<g transform="translate({i * PanelWidth},0)">""").Append('\n');
            DrawPanel(svg, panels[i]);
            svg.Append("</g>\n");
        }
        return svg.Append("</svg>\n").ToString();
    }

    private static void DrawPanel(StringBuilder svg, PlotPanel panel)
    {
        var scale = PlotScale.For(panel.Series.SelectMany(series => series.Values), panel.Logarithmic);
        Text(svg, PanelWidth / 2.0, 20, "middle", panel.Title, "bold");
        foreach (var tick in scale.Ticks)
        {
            var y = Y(scale, tick);
            svg.Append(CultureInfo.InvariantCulture, $"""<line x1="{Left}" x2="{PanelWidth - Right}" y1="{y:0.0}" y2="{y:0.0}" stroke="#dddddd"/>""").Append('\n');
            Text(svg, Left - 6, y + 4, "end", tick.ToString("0.####", CultureInfo.InvariantCulture));
        }
        for (var i = 0; i < panel.Categories.Count; i++) Text(svg, X(panel, i), PanelHeight - AxisBottom + 16, "middle", panel.Categories[i]);
        Text(svg, (Left + PanelWidth - Right) / 2.0, PanelHeight - AxisBottom + 34, "middle", panel.XLabel);
        for (var i = 0; i < panel.Series.Count; i++)
        {
            DrawSeries(svg, panel, panel.Series[i], scale);
            DrawLegend(svg, panel.Series[i], PanelHeight + i * LegendLine);
        }
    }

    private static void DrawSeries(StringBuilder svg, PlotPanel panel, PlotSeries series, PlotScale scale)
    {
        var path = new StringBuilder();
        var markers = new StringBuilder();
        var pen = 'M';
        for (var i = 0; i < series.Values.Count; i++)
        {
            if (series.Values[i] is not { } value || !double.IsFinite(value) || (panel.Logarithmic && value <= 0))
            {
                pen = 'M';
                continue;
            }
            var (x, y) = (X(panel, i), Y(scale, value));
            path.Append(CultureInfo.InvariantCulture, $"{pen}{x:0.0} {y:0.0}");
            pen = 'L';
            markers.Append(CultureInfo.InvariantCulture, $"""<circle cx="{x:0.0}" cy="{y:0.0}" r="3" fill="{Escape(series.Color)}"><title>""")
                .Append(Escape($"{series.Name}, {panel.Categories[i]}: {Figure.Of(value)}")).Append("</title></circle>\n");
        }
        if (path.Length > 0) svg.Append($"""<path d="{path}" fill="none" stroke="{Escape(series.Color)}" stroke-width="2"{Dash(series)}/>""").Append('\n');
        svg.Append(markers);
    }

    private static void DrawLegend(StringBuilder svg, PlotSeries series, int y)
    {
        svg.Append(CultureInfo.InvariantCulture, $"""<line x1="{Left}" x2="{Left + 24}" y1="{y}" y2="{y}" stroke="{Escape(series.Color)}" stroke-width="2"{Dash(series)}/>""").Append('\n');
        Text(svg, Left + 30, y + 4, "start", series.Name);
    }

    private static string Dash(PlotSeries series) => series.Dashed ? " stroke-dasharray=\"5 4\"" : "";

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text, string weight = "normal") =>
        svg.Append(CultureInfo.InvariantCulture, $"""<text x="{x:0.0}" y="{y:0.0}" text-anchor="{anchor}" font-weight="{weight}" fill="#222222">""")
            .Append(Escape(text)).Append("</text>\n");

    private static double X(PlotPanel panel, int category) =>
        Left + (PanelWidth - Left - Right) * (category + 0.5) / Math.Max(1, panel.Categories.Count);

    private static double Y(PlotScale scale, double value) => PanelHeight - AxisBottom - (PanelHeight - AxisBottom - Top) * scale.Position(value);

    private static string Escape(string text) => System.Security.SecurityElement.Escape(text) ?? "";
}
