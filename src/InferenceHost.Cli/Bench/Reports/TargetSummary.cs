using InferenceHost.Cli.Bench.Measuring;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>One target at one level: medians of the rounds for rates, all rounds pooled for latencies.</summary>
internal sealed record TargetSummary
{
    /// <summary>Label of the target.</summary>
    public required string Target { get; init; }

    /// <summary>Median of the rounds, tokens per second from the first start to the last token.</summary>
    public required double? TokensPerSecond { get; init; }

    /// <summary>Each round's tokens per second.</summary>
    public required IReadOnlyList<double> TokensPerSecondRounds { get; init; }

    /// <summary>Median of the rounds, while all streams decode.</summary>
    public required double? SteadyTokensPerSecond { get; init; }

    /// <summary>Median of the rounds, completed requests per second.</summary>
    public required double? RequestsPerSecond { get; init; }

    /// <summary>Median of the rounds, requests per second that held the objective.</summary>
    public required double? GoodRequestsPerSecond { get; init; }

    /// <summary>Median of the rounds, tokens per second of requests that held the objective.</summary>
    public required double? GoodTokensPerSecond { get; init; }

    /// <summary>Time to first token.</summary>
    public required Percentiles? Ttft { get; init; }

    /// <summary>Inter-token latency.</summary>
    public required Percentiles? InterToken { get; init; }

    /// <summary>Whole requests.</summary>
    public required Percentiles? Duration { get; init; }

    /// <summary>Requests of all rounds.</summary>
    public required int Requests { get; init; }

    /// <summary>Of these, failed.</summary>
    public required int FailedRequests { get; init; }

    /// <summary>Failure texts and how often each occurred.</summary>
    public required IReadOnlyDictionary<string, int> Failures { get; init; }

    /// <summary>Tokens of all rounds.</summary>
    public required long Tokens { get; init; }

    /// <summary>Completed requests whose streamed token count differs from the server's own.</summary>
    public required int CountMismatches { get; init; }

    /// <summary>Prompt tokens of all rounds.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Of these, taken from a cache.</summary>
    public required long CachedPromptTokens { get; init; }

    /// <summary>Median of the rounds, processor time of the driver per token, microseconds.</summary>
    public required double? ClientCpuMicrosecondsPerToken { get; init; }

    /// <summary>Sums up the rounds of a target.</summary>
    public static TargetSummary Of(string target, IReadOnlyList<RoundResult> rounds)
    {
        var failures = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var (text, count) in rounds.SelectMany(round => round.Failures)) failures[text] = failures.GetValueOrDefault(text) + count;
        return new TargetSummary
        {
            Target = target,
            TokensPerSecond = Median.Of(rounds.Select(round => (double?)round.TokensPerSecond)),
            TokensPerSecondRounds = [.. rounds.Select(round => round.TokensPerSecond)],
            SteadyTokensPerSecond = Median.Of(rounds.Select(round => round.SteadyTokensPerSecond)),
            RequestsPerSecond = Median.Of(rounds.Select(round => (double?)round.RequestsPerSecond)),
            GoodRequestsPerSecond = Median.Of(rounds.Select(round => round.GoodRequestsPerSecond)),
            GoodTokensPerSecond = Median.Of(rounds.Select(round => round.GoodTokensPerSecond)),
            Ttft = Pool(rounds, round => round.Ttft),
            InterToken = Pool(rounds, round => round.InterToken),
            Duration = Pool(rounds, round => round.Duration),
            Requests = rounds.Sum(round => round.Requests),
            FailedRequests = rounds.Sum(round => round.FailedRequests),
            Failures = failures,
            Tokens = rounds.Sum(round => round.Tokens),
            CountMismatches = rounds.Sum(round => round.CountMismatches),
            PromptTokens = rounds.Sum(round => round.PromptTokens),
            CachedPromptTokens = rounds.Sum(round => round.CachedPromptTokens),
            ClientCpuMicrosecondsPerToken = Median.Of(rounds.Select(round => round.ClientCpuMicrosecondsPerToken)),
        };
    }

    private static Percentiles? Pool(IReadOnlyList<RoundResult> rounds, Func<RoundResult, LatencyHistogram> select)
    {
        var pool = new LatencyHistogram();
        foreach (var round in rounds) pool.Add(select(round));
        return pool.ToPercentiles();
    }
}
