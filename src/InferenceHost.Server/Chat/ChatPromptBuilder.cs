using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Errors;
using InferenceHost.Text.ChatTemplates;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Chat;

/// <summary>Renders a conversation with the model's own template and makes the prompt of it: one BOS, an unfinished turn left open, reasoning recognised.</summary>
internal static class ChatPromptBuilder
{
    /// <summary>Opens the reasoning part.</summary>
    public const string ThinkOpen = "<think>";

    /// <summary>Closes it.</summary>
    public const string ThinkClose = "</think>";

    /// <summary>Renders messages that were checked.</summary>
    /// <exception cref="RefusalException">There is no usable template, or it refuses the messages.</exception>
    public static ChatPrompt Build(
        ModelTemplate source, Wire.Loaded loaded, RepeatedField<ChatMessage> messages, Struct? variables, bool continuesFinalMessage, TimeProvider clock)
    {
        var template = source.Require();
        var rendered = Render(template, ChatValues.Build(messages, variables, continuesFinalMessage, loaded.BosText, loaded.EosText), clock);
        var end = continuesFinalMessage ? EndOfTurn(rendered.Text, ChatValidator.ContinuedText(messages[^1])) : rendered.Text.Length;
        var start = StartAfterBos(rendered, loaded);
        var spans = new List<ChatSpan>(rendered.Spans.Count);
        foreach (var span in rendered.Spans)
        {
            var (from, to) = (Math.Max(span.Start, start), Math.Min(span.End, end));
            if (from < to)
                spans.Add(new ChatSpan(rendered.Text[from..to], span.Origin));
        }
        var thinks = source.HasReasoning && (continuesFinalMessage
            ? EndsInReasoning(ChatValidator.ContinuedText(messages[^1]))
            : spans is [.., { Origin: TextOrigin.Template } last] && last.Text.AsSpan().TrimEnd().EndsWith(ThinkOpen, StringComparison.Ordinal));
        return new ChatPrompt(spans, thinks, source.HasReasoning);
    }

    private static RenderedPrompt Render(ChatTemplate template, TemplateValues values, TimeProvider clock)
    {
        try
        {
            return template.Render(values, clock);
        }
        catch (TemplateException error)
        {
            throw new RefusalException(new Refusal(RefusalKind.InvalidArgument, "CHAT_TEMPLATE_REFUSED", $"the model's chat template does not take these messages: {error.Message}")
            {
                Violations = [new FieldViolation("messages", error.Message, "messages as the model's chat template takes them")],
            });
        }
    }

    // The tokenizer adds its BOS once: what the template wrote of it goes. Where the tokenizer adds none, one of the template's stays.
    private static int StartAfterBos(RenderedPrompt rendered, Wire.Loaded loaded)
    {
        var bos = loaded.BosText;
        if (bos.Length == 0 || rendered.Spans is not [{ Origin: TextOrigin.Template } first, ..])
            return 0;
        var at = 0;
        while (at + bos.Length <= first.End && string.CompareOrdinal(rendered.Text, at, bos, 0, bos.Length) == 0)
            at += bos.Length;
        return loaded.AddsBos ? at : Math.Max(0, at - bos.Length);
    }

    // Templates close the last turn and some trim its text: the turn ends where its text ends, and what the template put behind it goes.
    private static int EndOfTurn(string rendered, string text)
    {
        var trimmed = text.Trim();
        var at = rendered.LastIndexOf(trimmed, StringComparison.Ordinal);
        if (at < 0)
        {
            throw new RefusalException(Refusal.Field("continue_final_message", "a last message that the template does not write as it is", "a message whose text appears in the rendered prompt"));
        }
        var untrimmed = text.TrimStart();
        return string.CompareOrdinal(rendered, at, untrimmed, 0, untrimmed.Length) == 0 ? at + untrimmed.Length : at + trimmed.Length;
    }

    private static bool EndsInReasoning(string text) =>
        text.LastIndexOf(ThinkOpen, StringComparison.Ordinal) > text.LastIndexOf(ThinkClose, StringComparison.Ordinal);
}
