using System.Buffers;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using InferenceHost.Protocol.V1;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Server.Chat;

/// <summary>The variables a template sees, as transformers passes them. Everything a client sent has the origin <see cref="TextOrigin.Message"/>.</summary>
internal static class ChatValues
{
    /// <summary>Variables that come from elsewhere in the request or from the model.</summary>
    public static readonly string[] Reserved = ["messages", "add_generation_prompt", "continue_final_message", "bos_token", "eos_token"];

    private const double LargestWholeDouble = 9007199254740992;
    private static readonly JsonDocumentOptions s_depth = new() { MaxDepth = 256 };

    /// <summary>All variables of a render.</summary>
    public static TemplateValues Build(IEnumerable<ChatMessage> messages, Struct? variables, bool continuesFinalMessage, string bosText, string eosText)
    {
        var values = new TemplateValues()
            .Add("tools", null, TextOrigin.Template)
            .Add("documents", null, TextOrigin.Template)
            .Add("bos_token", bosText, TextOrigin.Template)
            .Add("eos_token", eosText, TextOrigin.Template)
            .Add("add_generation_prompt", !continuesFinalMessage)
            .Add("messages", ToJson(writer => WriteMessages(writer, messages)));
        foreach (var (name, value) in variables?.Fields ?? [])
            values.Add(name, ToJson(writer => WriteValue(writer, value)));
        return values;
    }

    private static JsonElement ToJson(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
            write(writer);
        using var document = JsonDocument.Parse(buffer.WrittenMemory, s_depth);
        return document.RootElement.Clone();
    }

    private static void WriteMessages(Utf8JsonWriter writer, IEnumerable<ChatMessage> messages)
    {
        writer.WriteStartArray();
        foreach (var message in messages)
        {
            writer.WriteStartObject();
            writer.WriteString("role", message.Role);
            if (message.Parts.Count == 0)
                writer.WriteString("content", message.Content);
            else
                WriteParts(writer, message);
            if (message.HasName)
                writer.WriteString("name", message.Name);
            if (message.HasReasoningContent)
                writer.WriteString("reasoning_content", message.ReasoningContent);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    private static void WriteParts(Utf8JsonWriter writer, ChatMessage message)
    {
        writer.WriteStartArray("content");
        foreach (var part in message.Parts)
        {
            writer.WriteStartObject();
            writer.WriteString("type", "text");
            writer.WriteString("text", part.Text);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    // A Struct knows doubles only; a whole one is what the sender wrote as an integer.
    private static void WriteValue(Utf8JsonWriter writer, Value value)
    {
        switch (value.KindCase)
        {
            case Value.KindOneofCase.BoolValue:
                writer.WriteBooleanValue(value.BoolValue);
                break;
            case Value.KindOneofCase.NumberValue when Math.Abs(value.NumberValue) <= LargestWholeDouble && Math.Truncate(value.NumberValue) == value.NumberValue:
                writer.WriteNumberValue((long)value.NumberValue);
                break;
            case Value.KindOneofCase.NumberValue:
                writer.WriteNumberValue(value.NumberValue);
                break;
            case Value.KindOneofCase.StringValue:
                writer.WriteStringValue(value.StringValue);
                break;
            case Value.KindOneofCase.ListValue:
                writer.WriteStartArray();
                foreach (var item in value.ListValue.Values)
                    WriteValue(writer, item);
                writer.WriteEndArray();
                break;
            case Value.KindOneofCase.StructValue:
                writer.WriteStartObject();
                foreach (var (name, item) in value.StructValue.Fields)
                {
                    writer.WritePropertyName(name);
                    WriteValue(writer, item);
                }
                writer.WriteEndObject();
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }
}
