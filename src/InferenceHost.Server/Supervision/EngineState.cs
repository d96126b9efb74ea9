namespace InferenceHost.Server.Supervision;

/// <summary>What the engine does at the moment.</summary>
internal enum EngineState
{
    /// <summary>The first load runs.</summary>
    Starting,

    /// <summary>Calls are served.</summary>
    Serving,

    /// <summary>The process died and is being started again.</summary>
    Restarting,

    /// <summary>The server ends; nothing new is taken.</summary>
    Draining,

    /// <summary>Nothing is loaded.</summary>
    NoModel,

    /// <summary>The model cannot be served; somebody has to act.</summary>
    Failed,
}
