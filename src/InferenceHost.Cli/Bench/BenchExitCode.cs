namespace InferenceHost.Cli.Bench;

/// <summary>Exit codes of <c>inferencehost bench</c>.</summary>
internal static class BenchExitCode
{
    /// <summary>Everything ran, no more requests failed than allowed, every asked-for ratio was reached.</summary>
    public const int Success = 0;

    /// <summary>More requests failed than <c>--max-errors</c> allows.</summary>
    public const int RequestsFailed = 1;

    /// <summary>An option is missing, wrong or at odds with another.</summary>
    public const int Usage = 2;

    /// <summary>A target does not answer, or lacks what was asked of it.</summary>
    public const int TargetUnusable = 3;

    /// <summary>A ratio of <c>--min-ratio</c> was not reached.</summary>
    public const int RatioMissed = 4;

    /// <summary>Stopped from outside.</summary>
    public const int Cancelled = 130;
}
