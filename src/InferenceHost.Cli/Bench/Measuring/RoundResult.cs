namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>One target, one level, one round.</summary>
internal sealed record RoundResult
{
    /// <summary>Requests sent.</summary>
    public required int Requests { get; init; }

    /// <summary>Failure texts and how often each occurred.</summary>
    public required IReadOnlyDictionary<string, int> Failures { get; init; }

    /// <summary>Requests that did not end as they should.</summary>
    public required int FailedRequests { get; init; }

    /// <summary>Tokens generated, as the servers count them, failed requests included as far as they came.</summary>
    public required long Tokens { get; init; }

    /// <summary>Completed requests whose streamed token count differs from the server's own.</summary>
    public required int CountMismatches { get; init; }

    /// <summary>Prompt tokens of the completed requests.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Of these, taken from a cache.</summary>
    public required long CachedPromptTokens { get; init; }

    /// <summary>From the start of the first request to the arrival of the last token, seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>Tokens per second over <see cref="Seconds"/>.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Closed loop: tokens per second while all streams decode, from the latest first token to the earliest end; <see langword="null"/> where there is no such time.</summary>
    public required double? SteadyTokensPerSecond { get; init; }

    /// <summary>Completed requests per second.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>With an objective: requests per second that held it.</summary>
    public required double? GoodRequestsPerSecond { get; init; }

    /// <summary>With an objective: tokens per second of requests that held it.</summary>
    public required double? GoodTokensPerSecond { get; init; }

    /// <summary>Processor time of this driver per token, microseconds: what the client takes from the server on a shared machine.</summary>
    public required double? ClientCpuMicrosecondsPerToken { get; init; }

    /// <summary>Time to first token.</summary>
    public required LatencyHistogram Ttft { get; init; }

    /// <summary>Gaps between successive messages with tokens. A message with several tokens is one gap: bursts do not hide a pause.</summary>
    public required LatencyHistogram InterToken { get; init; }

    /// <summary>Whole requests.</summary>
    public required LatencyHistogram Duration { get; init; }
}
