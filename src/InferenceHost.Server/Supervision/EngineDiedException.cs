namespace InferenceHost.Server.Supervision;

/// <summary>The engine process ended, hung or could not be reached while it was started; the message says how.</summary>
internal sealed class EngineDiedException(string message) : Exception(message);
