using System.Globalization;
using InferenceHost.Server.Services;
using InferenceHost.Server.Streaming;
using InferenceHost.Server.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceHost.Server.Hosting;

/// <summary>A server that serves.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    private static readonly TimeSpan s_lastCallPatience = TimeSpan.FromSeconds(2);
    private readonly WebApplication _app;
    private readonly ServerOptions _options;
    private bool _stopped;

    internal RunningServer(WebApplication app, ServerOptions options, EngineSession session)
    {
        _app = app;
        _options = options;
        var urls = new Queue<string>(app.Urls);
        Endpoint = UrlOf(options.Listen, urls);
        HttpEndpoint = options.ListenHttp is { } http ? UrlOf(http, urls) : null;
        var loaded = session.Loaded;
        ReadyLine = string.Create(
            CultureInfo.InvariantCulture,
            $"ready {Endpoint}{(HttpEndpoint is null ? "" : " http=" + HttpEndpoint)} device={Quote(loaded.Device)} model={Quote(session.Model.Name)} context={loaded.ContextTokens} slots={loaded.Parallel} adapter-slots={loaded.AdapterSlots}");
    }

    /// <summary>URL of the gRPC listener with its real port.</summary>
    public string Endpoint { get; }

    /// <summary>URL of the HTTP/1.1 listener with its real port; null where there is none.</summary>
    public string? HttpEndpoint { get; }

    /// <summary>The line that says so: <c>ready URL device=… model=… context=… slots=…</c>.</summary>
    public string ReadyLine { get; }

    /// <summary>The parts, for tests.</summary>
    internal IServiceProvider Services => _app.Services;

    /// <summary>
    /// Drains and ends: new calls are refused, running ones finish within the drain timeout or get a last message (CANCELLED, usage) and their trailers.
    /// </summary>
    /// <param name="hurry">Ends at once when cancelled.</param>
    public async Task StopAsync(CancellationToken hurry)
    {
        if (_stopped)
            return;
        _stopped = true;
        var supervisor = _app.Services.GetRequiredService<EngineSupervisor>();
        supervisor.BeginDrain();
        _app.Services.GetRequiredService<HealthService>().Shutdown();
        var idle = _app.Services.GetRequiredService<CallGate>().BeginDrain();
        if (supervisor.Status.Session is { } session)
            await StreamDrain.RunAsync(session, _options.DrainTimeout, hurry);
        // Calls without a stream: uploads, loads. What is still there then is cut.
        if (!idle.IsCompleted)
            await Task.WhenAny(idle, Task.Delay(s_lastCallPatience, hurry));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(hurry);
        try
        {
            await _app.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Connections that did not close in time were cut.
        }
        await supervisor.DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private static string UrlOf(string configured, Queue<string> bound)
    {
        ListenAddress.TryParse(configured, out var address, out _);
        var url = bound.Dequeue();
        return address.UnixPath is null ? address.Url(new Uri(url).Port) : address.Url(0);
    }

    private static string Quote(string value) => value.AsSpan().ContainsAny(" \t\"") ? $"\"{value.Replace('"', '\'')}\"" : value;
}
