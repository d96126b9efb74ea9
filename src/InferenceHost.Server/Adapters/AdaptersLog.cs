using Microsoft.Extensions.Logging;

namespace InferenceHost.Server.Adapters;

/// <summary>Log messages of this stage; ids 1300-1399.</summary>
internal static partial class AdaptersLog
{
    [LoggerMessage(1300, LogLevel.Error, "The engine process died while it loaded adapter {Sha256}: it is not shown to it again")]
    public static partial void KilledTheEngine(ILogger logger, string sha256);

    [LoggerMessage(1301, LogLevel.Warning, "Adapter {Sha256} was not loaded again after the restart: {Reason}")]
    public static partial void NotReloaded(ILogger logger, string sha256, string reason);

    [LoggerMessage(1302, LogLevel.Warning, "Adapter '{Name}' of the state folder does not fit this model and is left aside: {Reason}")]
    public static partial void NotRestored(ILogger logger, string name, string reason);
}
