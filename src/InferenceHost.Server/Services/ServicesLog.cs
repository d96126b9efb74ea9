using Microsoft.Extensions.Logging;

namespace InferenceHost.Server.Services;

/// <summary>Log messages of this stage; ids 1200-1299.</summary>
internal static partial class ServicesLog
{
    [LoggerMessage(1200, LogLevel.Error, "{Method} failed inside the server ({LogId})")]
    public static partial void CallFailed(ILogger logger, Exception error, string method, string logId);

    [LoggerMessage(1201, LogLevel.Warning, "A reader stopped reading for {StallSeconds} s; its stream was ended")]
    public static partial void StreamStalled(ILogger logger, double stallSeconds);
}
