using System.Diagnostics;

namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>Turns the traces of a round into figures.</summary>
internal static class RoundEvaluator
{
    /// <summary>Evaluates a round.</summary>
    /// <param name="streams">Traces of each stream in order; an open loop is one stream per request.</param>
    /// <param name="objective">What good service means.</param>
    /// <param name="closedLoop">Whether a steady rate makes sense.</param>
    /// <param name="clientCpu">Processor time this process used during the round.</param>
    public static RoundResult Evaluate(IReadOnlyList<RequestTrace[]> streams, ServiceObjective objective, bool closedLoop, TimeSpan clientCpu)
    {
        var traces = streams.SelectMany(stream => stream).ToList();
        var (ttft, interToken, duration) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        long goodRequests = 0, goodTokens = 0;
        foreach (var trace in traces)
        {
            if (trace.Messages == 0) continue;
            var times = trace.Times;
            ttft.Record(trace.StartedAt, times[0]);
            for (var i = 1; i < times.Length; i++) interToken.Record(times[i - 1], times[i]);
            if (trace.Failure is not null || !trace.Completed) continue;
            duration.Record(trace.StartedAt, times[^1]);
            if (!objective.IsHeldBy(Milliseconds(trace.StartedAt, times[0]), MeanInterTokenMs(trace))) continue;
            goodRequests++;
            goodTokens += trace.Tokens;
        }

        var completed = traces.Where(trace => trace is { Completed: true, Failure: null }).ToList();
        var tokens = traces.Sum(trace => (long)trace.Tokens);
        var seconds = Span(traces);
        double PerSecond(long count) => seconds > 0 ? count / seconds : 0;
        return new RoundResult
        {
            Requests = traces.Count,
            FailedRequests = traces.Count - completed.Count,
            Failures = traces.Where(trace => !trace.Completed || trace.Failure is not null)
                .GroupBy(trace => trace.Failure ?? "no end of the stream").ToDictionary(group => group.Key, group => group.Count()),
            Tokens = tokens,
            CountMismatches = completed.Count(trace => trace.ReportedTokens is { } reported && reported != trace.StreamedTokens),
            PromptTokens = completed.Sum(trace => (long)(trace.PromptTokens ?? 0)),
            CachedPromptTokens = completed.Sum(trace => (long)(trace.CachedTokens ?? 0)),
            Seconds = seconds,
            TokensPerSecond = PerSecond(tokens),
            SteadyTokensPerSecond = closedLoop ? Steady(streams) : null,
            RequestsPerSecond = PerSecond(completed.Count),
            GoodRequestsPerSecond = objective.IsSet ? PerSecond(goodRequests) : null,
            GoodTokensPerSecond = objective.IsSet ? PerSecond(goodTokens) : null,
            ClientCpuMicrosecondsPerToken = tokens > 0 ? clientCpu.TotalMicroseconds / tokens : null,
            Ttft = ttft,
            InterToken = interToken,
            Duration = duration,
        };
    }

    /// <summary>Milliseconds between two stamps.</summary>
    public static double Milliseconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;

    // First start to last token; without any token the round has no length.
    private static double Span(List<RequestTrace> traces)
    {
        var withTokens = traces.Where(trace => trace.Messages > 0).ToList();
        if (withTokens.Count == 0) return 0;
        var from = traces.Min(trace => trace.StartedAt);
        return Stopwatch.GetElapsedTime(from, withTokens.Max(trace => trace.Times[^1])).TotalSeconds;
    }

    private static double? MeanInterTokenMs(RequestTrace trace) => trace.StreamedTokens > trace.TokenCounts[0]
        ? Milliseconds(trace.Times[0], trace.Times[^1]) / (trace.StreamedTokens - trace.TokenCounts[0])
        : null;

    // All streams decode between the moment the last of them got its first token and the moment the first of them got its last one.
    private static double? Steady(IReadOnlyList<RequestTrace[]> streams)
    {
        long from = long.MinValue, to = long.MaxValue;
        foreach (var stream in streams)
        {
            if (stream[0].Messages == 0 || stream[^1].Messages == 0) return null;
            from = Math.Max(from, stream[0].Times[0]);
            to = Math.Min(to, stream[^1].Times[^1]);
        }
        if (to <= from) return null;
        long tokens = 0;
        foreach (var stream in streams)
        {
            foreach (var trace in stream)
            {
                var times = trace.Times;
                var counts = trace.TokenCounts;
                for (var i = 0; i < times.Length; i++) tokens += times[i] > from && times[i] <= to ? counts[i] : 0;
            }
        }
        return tokens / Stopwatch.GetElapsedTime(from, to).TotalSeconds;
    }
}
