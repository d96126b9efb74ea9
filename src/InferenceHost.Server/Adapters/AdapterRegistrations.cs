namespace InferenceHost.Server.Adapters;

/// <summary>Which generations one engine process knows.</summary>
internal sealed class AdapterRegistrations;
