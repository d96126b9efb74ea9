using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>The report as JSON: camelCase, milliseconds and seconds as the names say, absent figures null.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new RoundedDoubleConverter() },
    };

    /// <summary>Writes it.</summary>
    public static string Write(BenchReport report) => JsonSerializer.Serialize(report, Options) + "\n";

    /// <summary>Reads it back.</summary>
    /// <exception cref="JsonException">The text is no such report.</exception>
    public static BenchReport Read(string json) => JsonSerializer.Deserialize<BenchReport>(json, Options) ?? throw new JsonException("empty report");

    // Four decimals are beyond what any of these measurements can tell apart.
    private sealed class RoundedDoubleConverter : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value)) writer.WriteNumberValue(Math.Round(value, 4));
            else writer.WriteNullValue();
        }
    }
}
