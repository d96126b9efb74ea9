using InferenceHost.Protocol.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>Changes the messages of one call before they are written, such as moving reasoning text to its own field.</summary>
internal interface IResponseShaper
{
    /// <summary>Changes a message in place. The last message of a sample has <c>finish_reason</c>.</summary>
    /// <param name="message">The message.</param>
    /// <param name="sample">Which sample it is of, as the engine numbers them.</param>
    void Shape(GenerateResponse message, int sample);
}
