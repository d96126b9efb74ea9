namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>Medians: of an even number of values the mean of the middle two.</summary>
internal static class Median
{
    /// <summary>The median of the values that are there; <see langword="null"/> when none is.</summary>
    public static double? Of(IEnumerable<double?> values)
    {
        var sorted = values.Where(value => value is { } number && double.IsFinite(number)).Select(value => value!.Value).Order().ToArray();
        if (sorted.Length == 0) return null;
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
