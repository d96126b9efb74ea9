namespace InferenceHost.Protocol;

/// <summary>What both ends of the worker's socket must agree on besides the messages.</summary>
public static class WorkerProtocol
{
    /// <summary>Goes up when a frame changes its meaning; <c>Hello.protocol_version</c> states the worker's.</summary>
    public const int Version = 1;

    /// <summary>Bytes of the longest message, without its length.</summary>
    public const int MaxFrameBytes = 64 * 1024 * 1024;
}
