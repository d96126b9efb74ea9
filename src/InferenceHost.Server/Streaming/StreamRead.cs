namespace InferenceHost.Server.Streaming;

/// <summary>What a look into a stream's queue found.</summary>
internal enum StreamRead
{
    /// <summary>Nothing is ready.</summary>
    Nothing,

    /// <summary>A message was filled.</summary>
    Message,

    /// <summary>Every sample has ended and everything was taken.</summary>
    Ended,

    /// <summary>The stream ended in failure and everything was taken.</summary>
    Failed,
}
