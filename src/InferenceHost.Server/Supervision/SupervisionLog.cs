using Microsoft.Extensions.Logging;

namespace InferenceHost.Server.Supervision;

/// <summary>Log messages of this stage; ids 1100-1199.</summary>
internal static partial class SupervisionLog
{
    [LoggerMessage(1100, LogLevel.Warning, "The engine process {ProcessId} ended while serving: {Cause}. Starting it again (restart {Restart})")]
    public static partial void EngineDied(ILogger logger, int processId, string cause, int restart);

    [LoggerMessage(1101, LogLevel.Warning, "The engine process died while loading '{Model}' (death {Deaths} of {MaxDeaths}): {Cause}")]
    public static partial void DiedAtLoad(ILogger logger, string model, int deaths, int maxDeaths, string cause);

    [LoggerMessage(1102, LogLevel.Error, "'{Model}' cannot be served: {Reason}")]
    public static partial void ModelFailed(ILogger logger, string model, string reason);

    [LoggerMessage(1103, LogLevel.Error, "The engine process {ProcessId} hangs and is killed: {Cause}")]
    public static partial void EngineHangs(ILogger logger, int processId, string cause);

    [LoggerMessage(1104, LogLevel.Information, "Serving '{Model}' in engine process {ProcessId} on {Device}")]
    public static partial void Serving(ILogger logger, string model, int processId, string device);

    [LoggerMessage(1105, LogLevel.Information, "Engine adapter mode: {Note}")]
    public static partial void AdapterNote(ILogger logger, string note);

    [LoggerMessage(1107, LogLevel.Warning, "'{Model}' is served by the CPU, not by a GPU: {Note}. Say --device cpu where that is meant")]
    public static partial void DeviceNote(ILogger logger, string model, string note);

    [LoggerMessage(1106, LogLevel.Warning, "'{Model}' is computed by llama.cpp's own code alone, with adapters one after the other: the engine process died while it loaded, or three times in a row, and ours may be why. Unless it was killed from outside, report it with the messages before this one")]
    public static partial void ServingPlain(ILogger logger, string model);
}
