namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>
/// When a request counts as well served (goodput as in DistServe, Zhong et al. 2024): its first token came within one limit and its mean time per
/// further token stayed within the other.
/// </summary>
/// <param name="TtftMs">Limit of the time to first token, milliseconds; <see langword="null"/> = none.</param>
/// <param name="InterTokenMs">Limit of the mean inter-token time of the request, milliseconds; <see langword="null"/> = none.</param>
internal sealed record ServiceObjective(double? TtftMs, double? InterTokenMs)
{
    /// <summary>Whether there is anything to hold.</summary>
    public bool IsSet => TtftMs is not null || InterTokenMs is not null;

    /// <summary>Whether a completed request held it.</summary>
    public bool IsHeldBy(double ttftMs, double? meanInterTokenMs) =>
        (TtftMs is not { } ttft || ttftMs <= ttft) && (InterTokenMs is not { } gap || meanInterTokenMs is not { } mean || mean <= gap);
}
