namespace InferenceHost.Server;

internal static class AssemblyMarker;
