namespace InferenceHost.Core.Streaming;

/// <summary>Receives what every step produced, on the engine thread: it must be quick and must never wait for a reader.</summary>
public interface IStepSink
{
    /// <summary>Takes the frame; it is reused as soon as this returns.</summary>
    void Publish(StepFrame frame);
}
