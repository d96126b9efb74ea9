using InferenceHost.Protocol.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>Changes the messages of one call before they are written, such as moving reasoning text to its own field.</summary>
internal interface IResponseShaper
{
    /// <summary>Changes a message in place. The last message of a sample has <c>finish_reason</c>.</summary>
    /// <returns>Whether the message is to be written now; false keeps back a message that has become empty.</returns>
    bool Shape(GenerateResponse message);
}
