using InferenceHost.Text.ChatTemplates;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Chat;

/// <summary>A rendered conversation, ready for the engine: text whose every part knows where it came from.</summary>
/// <param name="Spans">Parts in order, without gaps and without empty ones.</param>
/// <param name="StartsInReasoning">Whether the prompt ends inside a reasoning part that the model continues.</param>
/// <param name="HasReasoning">Whether the model's template knows reasoning parts at all.</param>
internal sealed record ChatPrompt(IReadOnlyList<ChatSpan> Spans, bool StartsInReasoning, bool HasReasoning)
{
    /// <summary>The text, without a BOS that the tokenizer adds.</summary>
    public string Text => string.Concat(Spans.Select(s => s.Text));

    /// <summary>The parts for the tokenizer: special tokens are recognised in what the template wrote and nowhere else.</summary>
    public IEnumerable<Wire.TextSegment> Segments =>
        Spans.Select(s => new Wire.TextSegment { Text = s.Text, ParseSpecial = s.Origin == TextOrigin.Template });
}
