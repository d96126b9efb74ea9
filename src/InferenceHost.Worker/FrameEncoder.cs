using Google.Protobuf;
using InferenceHost.Core.Streaming;
using InferenceHost.Protocol.Worker.V1;
using CoreFinishReason = InferenceHost.Core.Requests.FinishReason;

namespace InferenceHost.Worker;

/// <summary>Encodes what a step produced as one TokenFrame and sends it; runs on the engine thread and allocates only where a sample ends.</summary>
internal sealed class FrameEncoder(ServerLink link) : IStepSink
{
    private readonly ProtoWriter _writer = new();

    /// <summary>While true nothing is sent: the loop is warming up.</summary>
    public bool IsMuted { get; set; }

    public void Publish(StepFrame frame)
    {
        if (!IsMuted) link.SendEncoded(Encode(frame));
    }

    /// <summary>The frame as it is sent, its length in front; valid until the next call.</summary>
    public ReadOnlySpan<byte> Encode(StepFrame frame)
    {
        _writer.Clear();
        _writer.ReserveFrameHeader();
        var body = _writer.Open(FromWorker.FrameFieldNumber);
        // By index: the enumerator of an interface is an object.
        for (var i = 0; i < frame.Deltas.Count; i++) Write(frame, frame.Deltas[i]);
        _writer.Close(body);
        _writer.WriteFrameHeader();
        return _writer.Written;
    }

    private void Write(StepFrame frame, in Core.Streaming.SequenceDelta delta)
    {
        var message = _writer.Open(TokenFrame.DeltasFieldNumber);
        _writer.Varint(Protocol.Worker.V1.SequenceDelta.SequenceIdFieldNumber, delta.Id.Value);
        var text = frame.Text(delta);
        if (text.Length > 0) _writer.Bytes(Protocol.Worker.V1.SequenceDelta.TextFieldNumber, text);
        var tokens = frame.Tokens(delta);
        _writer.PackedInt32(Protocol.Worker.V1.SequenceDelta.TokenIdsFieldNumber, tokens);
        if (delta.HasLogProbabilities)
            for (var i = 0; i < tokens.Length; i++) WriteLogprob(frame, delta, i);
        if (delta.Finish is { } finish) _writer.Bytes(Protocol.Worker.V1.SequenceDelta.FinishFieldNumber, Encode(finish).ToByteArray());
        if (delta.Index > 0) _writer.Int32(Protocol.Worker.V1.SequenceDelta.IndexFieldNumber, delta.Index);
        if (delta.PromptTokens > 0) _writer.Int32(Protocol.Worker.V1.SequenceDelta.PromptTokensFieldNumber, delta.PromptTokens);
        if (delta.CachedPromptTokens > 0) _writer.Int32(Protocol.Worker.V1.SequenceDelta.CachedPromptTokensFieldNumber, delta.CachedPromptTokens);
        _writer.Close(message);
    }

    private void WriteLogprob(StepFrame frame, in Core.Streaming.SequenceDelta delta, int token)
    {
        var message = _writer.Open(Protocol.Worker.V1.SequenceDelta.LogprobsFieldNumber);
        _writer.Int32(Logprob.IdFieldNumber, frame.Tokens(delta)[token]);
        _writer.Float(Logprob.LogProbabilityFieldNumber, frame.LogProbabilities(delta)[token]);
        var alternatives = frame.Alternatives(delta, token);
        if (alternatives.Length > 0)
        {
            var ids = _writer.Open(Logprob.AlternativeIdsFieldNumber);
            foreach (var alternative in alternatives) _writer.RawInt32(alternative.Id);
            _writer.Close(ids);
            var values = _writer.Open(Logprob.AlternativeLogProbabilitiesFieldNumber);
            foreach (var alternative in alternatives) _writer.RawFloat(alternative.LogProbability);
            _writer.Close(values);
        }
        _writer.Close(message);
    }

    private static Finish Encode(SequenceFinish finish)
    {
        var usage = finish.Usage;
        var message = new Finish
        {
            Reason = finish.Reason switch
            {
                CoreFinishReason.Stop => 1,
                CoreFinishReason.StopSequence => 2,
                CoreFinishReason.MaxTokens => 3,
                CoreFinishReason.Cancelled => 4,
                _ => 0,
            },
            PromptTokens = usage.PromptTokens,
            CachedPromptTokens = usage.CachedPromptTokens,
            CompletionTokens = usage.CompletionTokens,
            QueueMs = usage.Queue.TotalMilliseconds,
            PrefillMs = usage.Prefill.TotalMilliseconds,
            DecodeMs = usage.Decode.TotalMilliseconds,
            AcceptedDraftTokens = usage.AcceptedDraftTokens,
            SumLogProbability = usage.SumLogProbability,
        };
        if (finish.Refusal is { } refusal) message.Failure = Failures.From(refusal);
        return message;
    }
}
