using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Supervision;

/// <summary>An immutable view of the engine: replaced whole, read without a lock by every call.</summary>
/// <param name="State">What it does.</param>
/// <param name="Session">The loaded model; only while <see cref="EngineState.Serving"/> (and <see cref="EngineState.Draining"/>, for calls that run).</param>
/// <param name="Reason">Why it does not serve; empty while it does.</param>
internal sealed record EngineStatus(EngineState State, EngineSession? Session, string Reason)
{
    /// <summary>Word of <c>GetStatsResponse.state</c>.</summary>
    public string Word => State switch
    {
        EngineState.Starting => "starting",
        EngineState.Serving => "serving",
        EngineState.Restarting => "restarting",
        EngineState.Draining => "draining",
        EngineState.NoModel => "no model",
        _ => "failed",
    };

    /// <summary>Why a new call is refused; only where the state is not <see cref="EngineState.Serving"/>.</summary>
    public Refusal ToRefusal() => State switch
    {
        EngineState.Starting => new(RefusalKind.Unavailable, "ENGINE_STARTING", "the model is being loaded") { RetryAfter = TimeSpan.FromSeconds(1) },
        EngineState.Restarting => new(RefusalKind.Unavailable, "ENGINE_RESTARTING", $"the engine process is being started again: {Reason}")
        {
            RetryAfter = TimeSpan.FromSeconds(1),
        },
        EngineState.Draining => Refusal.Draining,
        EngineState.NoModel => new(RefusalKind.FailedPrecondition, "NO_MODEL", "no model is loaded; load one with Models/Load"),
        _ => new(RefusalKind.FailedPrecondition, "MODEL_FAILED", $"the model cannot be served: {Reason}"),
    };
}
