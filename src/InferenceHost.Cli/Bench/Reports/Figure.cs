using System.Globalization;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>Numbers as the tables show them.</summary>
internal static class Figure
{
    /// <summary>Three to four significant digits; a dash where there is none.</summary>
    public static string Of(double? value) => value is not { } number || !double.IsFinite(number) ? "-" : Math.Abs(number) switch
    {
        >= 100 => number.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => number.ToString("0.0", CultureInfo.InvariantCulture),
        >= 0.1 => number.ToString("0.00", CultureInfo.InvariantCulture),
        0 => "0",
        _ => number.ToString("0.000", CultureInfo.InvariantCulture),
    };

    /// <summary>A ratio, always three decimals.</summary>
    public static string Ratio(double? value) => value is { } number && double.IsFinite(number) ? number.ToString("0.000", CultureInfo.InvariantCulture) : "-";
}
