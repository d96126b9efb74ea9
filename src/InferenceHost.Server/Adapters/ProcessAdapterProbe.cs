using System.Text.Json;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Adapters;

/// <summary>Runs <c>inferencehost-worker probe</c>, one at a time: each loads the model a second time.</summary>
internal sealed class ProcessAdapterProbe(WorkerProcessLauncher launcher) : IAdapterProbe, IDisposable
{
    // For a model of many gigabytes beside a busy CPU, to which the process gives way.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(30);
    private readonly SemaphoreSlim _one = new(1);

    /// <inheritdoc/>
    public async Task<string?> RunAsync(string modelPath, string adapterPath, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            await using var process = launcher.LaunchCommand("probe", "--model", modelPath, "--adapter", adapterPath);
            string end;
            try
            {
                end = await process.Exited.WaitAsync(s_patience, cancellation);
            }
            catch (TimeoutException)
            {
                return $"the engine did not finish with it within {s_patience.TotalMinutes:0} minutes";
            }
            return end == "exit code 0" ? null : Reason(process.RecentOutput) ?? $"the engine process trying it ended with {end}";
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    private static string? Reason(string output)
    {
        foreach (var line in output.Split('\n').Reverse())
        {
            if (!line.StartsWith('{'))
                continue;
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.TryGetProperty("error", out var error))
                    return error.GetString();
            }
            catch (JsonException)
            {
                // A line of the native library.
            }
        }
        return null;
    }
}
