using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>Sends the one request that a scenario measures.</summary>
internal static class ProbeRun
{
    /// <summary>Sends it and waits for its end; a failure is in the trace.</summary>
    public static async Task<RequestTrace> SendAsync(IBenchTarget target, BenchRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var trace = new RequestTrace(request.MaxTokens);
        await LoadRunner.SendNowAsync(target, target.Prepare(request), trace, timeout, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        if (trace.Messages == 0) trace.Fail("no token arrived");
        return trace;
    }

    /// <summary>Time to first token, milliseconds.</summary>
    public static double TtftMs(RequestTrace trace) => RoundEvaluator.Milliseconds(trace.StartedAt, trace.Times[0]);
}
