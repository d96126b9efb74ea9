using System.Globalization;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Services;

namespace InferenceHost.Server.Chat;

/// <summary>Checks messages and template variables; which roles may follow each other is the template's affair.</summary>
internal static class ChatValidator
{
    private const int MaxMessages = 10_000;
    private const int MaxRoleLength = 64;
    private static readonly string[] s_notContinued = ["user", "system", "developer", "tool"];

    /// <summary>Adds what is wrong.</summary>
    public static void Check(RepeatedField<ChatMessage> messages, Struct? variables, bool continuesFinalMessage, Violations violations)
    {
        if (messages.Count is 0 or > MaxMessages)
            violations.Add("messages", $"{messages.Count.ToString(CultureInfo.InvariantCulture)} messages", $"1 .. {MaxMessages}");
        for (var i = 0; i < Math.Min(messages.Count, MaxMessages); i++)
            Check(messages[i], $"messages[{i}]", violations);
        foreach (var (name, value) in variables?.Fields ?? [])
        {
            var field = $"template_variables.{name}";
            violations.Text(field, name);
            if (ChatValues.Reserved.Contains(name))
                violations.Add(field, "a name with a meaning of its own", $"any name but {string.Join(", ", ChatValues.Reserved)}");
            Check(value, field, violations);
        }
        if (continuesFinalMessage && messages.Count > 0)
            CheckContinued(messages[^1], $"messages[{messages.Count - 1}]", violations);
    }

    private static void Check(ChatMessage message, string field, Violations violations)
    {
        if (message.Role.Length is 0 or > MaxRoleLength)
            violations.Add($"{field}.role", $"{message.Role.Length.ToString(CultureInfo.InvariantCulture)} characters", $"1 .. {MaxRoleLength}");
        if (message.Content.Length > 0 && message.Parts.Count > 0)
            violations.Add($"{field}.content", "content and parts", "one of them");
        violations.Text($"{field}.role", message.Role);
        violations.Text($"{field}.content", message.Content);
        violations.Text($"{field}.name", message.Name);
        violations.Text($"{field}.reasoning_content", message.ReasoningContent);
        for (var i = 0; i < message.Parts.Count; i++)
            violations.Text($"{field}.parts[{i}].text", message.Parts[i].Text);
    }

    private static void CheckContinued(ChatMessage last, string field, Violations violations)
    {
        if (s_notContinued.Contains(last.Role))
            violations.Add($"{field}.role", $"'{last.Role}'", "the role of the assistant, where continue_final_message is set");
        if (string.IsNullOrWhiteSpace(ContinuedText(last)))
            violations.Add(field, "an empty message", "the beginning of a turn, where continue_final_message is set");
    }

    /// <summary>Text of a message that is continued: its content, or its last part.</summary>
    public static string ContinuedText(ChatMessage message) => message.Parts.Count > 0 ? message.Parts[^1].Text : message.Content;

    private static void Check(Value value, string field, Violations violations)
    {
        switch (value.KindCase)
        {
            case Value.KindOneofCase.NumberValue when !double.IsFinite(value.NumberValue):
                violations.Add(field, value.NumberValue.ToString(CultureInfo.InvariantCulture), "a finite number");
                break;
            case Value.KindOneofCase.StringValue:
                violations.Text(field, value.StringValue);
                break;
            case Value.KindOneofCase.ListValue:
                foreach (var item in value.ListValue.Values)
                    Check(item, field, violations);
                break;
            case Value.KindOneofCase.StructValue:
                foreach (var (name, item) in value.StructValue.Fields)
                {
                    violations.Text(field, name);
                    Check(item, $"{field}.{name}", violations);
                }
                break;
        }
    }
}
