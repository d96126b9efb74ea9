using System.Diagnostics;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>Runs one round against one target.</summary>
internal static class LoadRunner
{
    /// <summary>Closed loop: every stream sends its requests one after another, all streams at once.</summary>
    public static async Task<RoundResult> RunClosedAsync(
        IBenchTarget target, BenchRequest[][] streams, ServiceObjective objective, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var prepared = streams.Select(stream => stream.Select(target.Prepare).ToArray()).ToArray();
        var traces = streams.Select(stream => stream.Select(request => new RequestTrace(request.MaxTokens)).ToArray()).ToArray();
        var cpu = SettleAndReadCpu();
        var tasks = new Task[streams.Length];
        for (var i = 0; i < tasks.Length; i++) tasks[i] = RunStreamAsync(target, prepared[i], traces[i], timeout, cancellationToken);
        await Task.WhenAll(tasks);
        cpu = Environment.CpuUsage.TotalTime - cpu;
        cancellationToken.ThrowIfCancellationRequested();
        return RoundEvaluator.Evaluate(traces, objective, closedLoop: true, cpu);
    }

    /// <summary>
    /// Open loop: requests are sent when they arrive, whatever the server does. Latency counts from the scheduled arrival, so that a late send
    /// is not forgiven (no coordinated omission).
    /// </summary>
    public static async Task<RoundResult> RunOpenAsync(
        IBenchTarget target, BenchRequest[] requests, double[] arrivalSeconds, ServiceObjective objective, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var prepared = requests.Select(target.Prepare).ToArray();
        var traces = requests.Select(request => new RequestTrace(request.MaxTokens)).ToArray();
        var cpu = SettleAndReadCpu();
        var tasks = new Task[requests.Length];
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < tasks.Length; i++)
        {
            var due = start + (long)(arrivalSeconds[i] * Stopwatch.Frequency);
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, cancellationToken);
            traces[i].StartedAt = due;
            tasks[i] = SendAsync(target, prepared[i], traces[i], timeout, cancellationToken);
        }
        await Task.WhenAll(tasks);
        cpu = Environment.CpuUsage.TotalTime - cpu;
        cancellationToken.ThrowIfCancellationRequested();
        return RoundEvaluator.Evaluate([.. traces.Select(trace => new[] { trace })], objective, closedLoop: false, cpu);
    }

    /// <summary>Sends one request now and waits for its end.</summary>
    public static Task SendNowAsync(IBenchTarget target, PreparedRequest request, RequestTrace trace, TimeSpan timeout, CancellationToken cancellationToken)
    {
        trace.Start();
        return SendAsync(target, request, trace, timeout, cancellationToken);
    }

    private static async Task RunStreamAsync(
        IBenchTarget target, PreparedRequest[] requests, RequestTrace[] traces, TimeSpan timeout, CancellationToken cancellationToken)
    {
        for (var i = 0; i < requests.Length; i++) await SendNowAsync(target, requests[i], traces[i], timeout, cancellationToken);
    }

    private static async Task SendAsync(IBenchTarget target, PreparedRequest request, RequestTrace trace, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        await target.StreamAsync(request, trace, limit.Token);
        if (trace.Failure == RequestTrace.CancelledMessage && !cancellationToken.IsCancellationRequested) trace.TimedOut(timeout);
    }

    // What earlier rounds left behind is collected now, not in the middle of a measurement.
    private static TimeSpan SettleAndReadCpu()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Environment.CpuUsage.TotalTime;
    }
}
