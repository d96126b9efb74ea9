using System.Text.Json.Serialization;

namespace InferenceHost.Server.Adapters;

/// <summary>Reads and writes the names without reflection, which would cost time at start.</summary>
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSourceGenerationOptions(WriteIndented = true)]
internal sealed partial class AdapterNamesJson : JsonSerializerContext;
