using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceHost.Server.Adapters;

/// <summary>Reads and writes the names without reflection, which would cost time at start. A name has a hash, or several in an array.</summary>
[JsonSerializable(typeof(Dictionary<string, string[]>))]
[JsonSourceGenerationOptions(WriteIndented = true, Converters = [typeof(OneOrMore)])]
internal sealed partial class AdapterNamesJson : JsonSerializerContext
{
    private sealed class OneOrMore : JsonConverter<string[]>
    {
        /// <inheritdoc/>
        public override string[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
                return [Text(ref reader)];
            var all = new List<string>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                all.Add(Text(ref reader));
            return [.. all];
        }

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, string[] value, JsonSerializerOptions options)
        {
            if (value.Length == 1)
            {
                writer.WriteStringValue(value[0]);
                return;
            }
            writer.WriteStartArray();
            foreach (var hash in value)
                writer.WriteStringValue(hash);
            writer.WriteEndArray();
        }

        private static string Text(ref Utf8JsonReader reader) =>
            reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException($"{reader.TokenType} where a hash is expected");
    }
}
