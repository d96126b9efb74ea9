using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Targets;

namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>Streams that decode without end: each sends its next request when one is through, until it is stopped.</summary>
internal sealed class BackgroundLoad : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly List<RequestTrace>[] _traces;
    private readonly Task[] _streams;
    private readonly Task[] _started;

    /// <summary>Starts the streams.</summary>
    public BackgroundLoad(IBenchTarget target, ScenarioSettings settings, int round, CancellationToken cancellationToken)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _traces = new List<RequestTrace>[settings.Streams];
        _streams = new Task[settings.Streams];
        _started = new Task[settings.Streams];
        for (var i = 0; i < settings.Streams; i++)
        {
            var first = settings.Background(round, i);
            var trace = new RequestTrace(first.MaxTokens);
            _traces[i] = [trace];
            _started[i] = trace.WhenTokens(Math.Min(ScenarioSettings.BackgroundTokens, first.MaxTokens));
            _streams[i] = RunAsync(target, settings, round, i, target.Prepare(first));
        }
    }

    /// <summary>Ends when every stream decodes.</summary>
    /// <returns>The failure of a stream that could not start, or <see langword="null"/>.</returns>
    public async Task<string?> WhenDecodingAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_started).WaitAsync(cancellationToken);
        return _traces.Select(stream => stream[0].Failure).FirstOrDefault(failure => failure is not null);
    }

    /// <summary>Stops the streams and waits for their end.</summary>
    /// <returns>The first failure that was not the stop itself, or <see langword="null"/>.</returns>
    public async Task<string?> StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_streams);
        return _traces.SelectMany(stream => stream).Select(trace => trace.Failure)
            .FirstOrDefault(failure => failure is not null and not RequestTrace.CancelledMessage);
    }

    /// <summary>Gaps between messages of the same request that ended within a span of time. Only after <see cref="StopAsync"/>.</summary>
    public LatencyHistogram Gaps(long from, long to)
    {
        var gaps = new LatencyHistogram();
        foreach (var trace in _traces.SelectMany(stream => stream))
        {
            var times = trace.Times;
            for (var i = 1; i < times.Length; i++)
            {
                if (times[i] > from && times[i] <= to) gaps.Record(times[i - 1], times[i]);
            }
        }
        return gaps;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task RunAsync(IBenchTarget target, ScenarioSettings settings, int round, int stream, PreparedRequest request)
    {
        for (var turn = 1; ; turn++)
        {
            var trace = _traces[stream][^1];
            await LoadRunner.SendNowAsync(target, request, trace, settings.Timeout, _stop.Token);
            if (_stop.IsCancellationRequested || trace.Failure is not null) return;
            var next = settings.Background(round, turn * settings.Streams + stream);
            _traces[stream].Add(new RequestTrace(next.MaxTokens));
            request = target.Prepare(next);
        }
    }
}
