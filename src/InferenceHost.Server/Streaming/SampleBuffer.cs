using InferenceHost.Protocol.V1;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// What one sample generated and its reader has not taken yet. Deltas that arrive while a message is being written pile up here and leave as one message.
/// Guarded by its <see cref="GenerationStream"/>; buffers are kept between messages.
/// </summary>
internal sealed class SampleBuffer(int index)
{
    private byte[] _text = new byte[64];
    private int _textBytes;
    private int[] _ids = new int[16];
    private int _idCount;
    private List<Wire.Logprob>? _logprobs;
    private Wire.Finish? _finish;

    /// <summary>Which of the samples.</summary>
    public int Index { get; } = index;

    /// <summary>Whether there is anything to take.</summary>
    public bool HasPending => _textBytes > 0 || _idCount > 0 || _finish is not null;

    /// <summary>Bytes waiting: text and four per token id.</summary>
    public int PendingBytes => _textBytes + (_idCount * sizeof(int));

    /// <summary>Whether the last delta has arrived.</summary>
    public bool Finished { get; private set; }

    /// <summary>Tokens that have arrived in all.</summary>
    public int CompletionTokens { get; private set; }

    /// <summary>Adds a delta.</summary>
    public void Append(in DeltaView delta)
    {
        if (_text.Length - _textBytes < delta.Text.Length)
            Array.Resize(ref _text, Math.Max(_text.Length * 2, _textBytes + delta.Text.Length));
        delta.Text.CopyTo(_text.AsSpan(_textBytes));
        _textBytes += delta.Text.Length;

        if (_ids.Length - _idCount < delta.TokenIds.Length)
            Array.Resize(ref _ids, Math.Max(_ids.Length * 2, _idCount + delta.TokenIds.Length));
        delta.TokenIds.CopyTo(_ids.AsSpan(_idCount));
        _idCount += delta.TokenIds.Length;
        CompletionTokens += delta.TokenIds.Length;

        if (delta.Logprobs is { } logprobs)
            (_logprobs ??= []).AddRange(logprobs);
        if (delta.Finish is { } finish)
        {
            _finish = finish;
            Finished = true;
        }
    }

    /// <summary>Marks the sample as ended from this side.</summary>
    public void Finish(Wire.Finish finish)
    {
        _finish = finish;
        Finished = true;
    }

    /// <summary>Moves everything that waits into a message.</summary>
    /// <returns>The end of the sample, where it is part of what was taken.</returns>
    public Wire.Finish? MoveTo(GenerateResponse message)
    {
        message.Index = Index;
        message.Text = _textBytes == 0 ? "" : System.Text.Encoding.UTF8.GetString(_text, 0, _textBytes);
        message.TokenIds.Clear();
        for (var i = 0; i < _idCount; i++)
            message.TokenIds.Add(_ids[i]);
        message.Logprobs.Clear();
        if (_logprobs is { Count: > 0 })
        {
            foreach (var logprob in _logprobs)
                message.Logprobs.Add(Messages.Logprob(logprob));
            _logprobs.Clear();
        }
        var finish = _finish;
        (_textBytes, _idCount, _finish) = (0, 0, null);
        return finish;
    }
}
