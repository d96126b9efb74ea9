using InferenceHost.Server.Catalogue;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Supervision;

/// <summary>The time from loading a model to unloading it, over all processes that serve it. Owned by the supervising task.</summary>
internal sealed class EngineRun(ServedModel model, Action<Wire.LoadProgress>? progress, CancellationTokenSource stop)
{
    /// <summary>The model.</summary>
    public ServedModel Model { get; } = model;

    /// <summary>Receives progress of loading.</summary>
    public Action<Wire.LoadProgress>? Progress { get; } = progress;

    /// <summary>Ends the run.</summary>
    public CancellationTokenSource Stop { get; } = stop;

    /// <summary>The supervising task; never fails.</summary>
    public Task Task { get; set; } = Task.CompletedTask;

    /// <summary>The first session, or why there is none.</summary>
    public TaskCompletionSource<EngineSession> FirstSession { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Deaths in a row while loading.</summary>
    public int LoadDeaths { get; set; }

    /// <summary>Deaths in a row without a long time of serving between them; decides the back-off.</summary>
    public int FailuresInARow { get; set; }

    /// <summary>
    /// Whether the next process leaves everything to llama.cpp's own code: one died while loading, or three in a row before they had shown that they can. Slower is better
    /// than not there.
    /// </summary>
    public bool IsPlain => LoadDeaths > 0 || FailuresInARow > 2;

    /// <summary>Timestamp at which the present process began to serve.</summary>
    public long ServingSince { get; set; }
}
