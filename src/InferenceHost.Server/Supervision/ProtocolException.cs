namespace InferenceHost.Server.Supervision;

/// <summary>The engine process sent something that is not a frame of ours; the connection is given up.</summary>
internal sealed class ProtocolException(string message) : Exception(message);
