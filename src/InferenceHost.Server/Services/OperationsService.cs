using System.Reflection;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Supervision;
using InferenceHost.Server.Telemetry;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Services;

/// <summary>State and counters; answers whatever the engine does.</summary>
internal sealed class OperationsService(EngineSupervisor supervisor, ServerCounters counters, CallGate gate) : Operations.OperationsBase
{
    // An engine in a long step answers late; an operator wants the rest meanwhile.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private static readonly string s_version =
        typeof(OperationsService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <inheritdoc/>
    public override async Task<GetStatsResponse> GetStats(GetStatsRequest request, ServerCallContext context)
    {
        var status = supervisor.Status;
        return new GetStatsResponse
        {
            Version = s_version,
            UptimeSeconds = counters.Uptime.TotalSeconds,
            State = gate.IsDraining ? "draining" : status.Word,
            Reason = status.Reason,
            Model = status.Session?.Model.Name ?? "",
            EngineRestarts = supervisor.Restarts,
            StalledStreams = counters.StalledStreams,
            EngineProcessId = status.Session?.ProcessId ?? 0,
            Engine = status.Session is { } session ? await EngineAsync(session, context.CancellationToken) : null,
        };
    }

    private static async Task<LoadedModelStats?> EngineAsync(EngineSession session, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        try
        {
            return Convert(await session.CountersAsync(patience.Token));
        }
        catch (Exception error) when (error is RefusalException || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    private static LoadedModelStats Convert(Wire.Counters from) => new()
    {
        Running = from.Running,
        Waiting = from.Waiting,
        UsedCells = from.UsedCells,
        TotalCells = from.TotalCells,
        CachedCells = from.CachedCells,
        Steps = from.Steps,
        PrefillTokens = from.PrefillTokens,
        DecodeTokens = from.DecodeTokens,
        PrefixHitTokens = from.PrefixHitTokens,
        Preemptions = from.Preemptions,
        FinishedRequests = from.FinishedRequests,
        RefusedRequests = from.RefusedRequests,
        DraftTokens = from.DraftTokens,
        AcceptedDraftTokens = from.AcceptedDraftTokens,
        AdapterSlotsUsed = from.AdapterSlotsUsed,
        AdapterSlots = from.AdapterSlots,
        AdapterLoads = from.AdapterLoads,
        AdapterEvictions = from.AdapterEvictions,
        CellsAcquired = from.CellsAcquired,
        CellsReleased = from.CellsReleased,
        SwappedOutTokens = from.SwappedOutTokens,
        SwappedInTokens = from.SwappedInTokens,
        SwapBytesHeld = from.SwapBytesHeld,
    };
}
