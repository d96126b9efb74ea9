namespace InferenceHost.EndToEnd.Tests.Hosting;

/// <summary>One server with the embedded model for all tests that leave it as it was.</summary>
public sealed class DefaultServer : IAsyncLifetime
{
    public const string Collection = "the embedded model";
    private ServerProcess? _server;

    internal ServerProcess Server => _server!;

    public async ValueTask InitializeAsync() =>
        _server = await ServerProcess.StartAsync("--listen-http", "http://127.0.0.1:0", "--parallel", "16", "--context", "16384");

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
