using InferenceHost.Protocol.V1;
using InferenceHost.Server.Streaming;

namespace InferenceHost.Server.Chat;

/// <summary>Moves the reasoning part of every sample of a call from <c>text</c> to <c>reasoning</c>.</summary>
internal sealed class ReasoningShaper(bool startsInReasoning, int samples) : IResponseShaper
{
    private readonly ReasoningSplitter?[] _splitters = new ReasoningSplitter?[samples];

    /// <inheritdoc/>
    public void Shape(GenerateResponse message, int sample)
    {
        var splitter = _splitters[sample] ??= new ReasoningSplitter(startsInReasoning);
        (message.Reasoning, message.Text) = splitter.Next(message.Text, message.HasFinishReason);
    }
}
