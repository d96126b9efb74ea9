using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// Reads <c>FromWorker</c> messages that hold nothing but a <c>TokenFrame</c>, delta by delta and without allocating: they are nearly all of
/// what the engine process sends. Owned by the thread that reads its socket.
/// </summary>
internal sealed class TokenFrameReader
{
    // FromWorker.frame, length-delimited, as the first field: the message has no call_id.
    private const byte FrameTag = (6 << 3) | 2;
    private const int LengthDelimited = 2;
    private int[] _ids = new int[64];
    private int _idCount;
    private readonly List<Wire.Logprob> _logprobs = [];

    /// <summary>Receives one delta; the view ends with the call.</summary>
    public delegate void DeltaHandler(in DeltaView delta);

    /// <summary>Whether the message can be read here.</summary>
    public static bool IsTokenFrame(ReadOnlySpan<byte> message) => message.Length > 0 && message[0] == FrameTag;

    /// <summary>Hands every delta of the message on, in order.</summary>
    /// <exception cref="Supervision.ProtocolException">The bytes are no message.</exception>
    public void Read(ReadOnlySpan<byte> message, DeltaHandler handler)
    {
        var reader = new ProtoReader(message);
        while (reader.TryReadTag(out var field, out var wireType))
        {
            if (field == 6 && wireType == LengthDelimited)
                ReadFrame(reader.ReadBytes(), handler);
            else
                reader.Skip(wireType);
        }
    }

    private void ReadFrame(ReadOnlySpan<byte> frame, DeltaHandler handler)
    {
        var reader = new ProtoReader(frame);
        while (reader.TryReadTag(out var field, out var wireType))
        {
            if (field == 1 && wireType == LengthDelimited)
                handler(ReadDelta(reader.ReadBytes()));
            else
                reader.Skip(wireType);
        }
    }

    private DeltaView ReadDelta(ReadOnlySpan<byte> bytes)
    {
        _idCount = 0;
        _logprobs.Clear();
        var delta = default(DeltaView);
        var reader = new ProtoReader(bytes);
        while (reader.TryReadTag(out var field, out var wireType))
        {
            switch (field, wireType)
            {
                case (1, 0):
                    delta.SequenceId = reader.ReadVarint();
                    break;
                case (2, LengthDelimited):
                    delta.Text = reader.ReadBytes();
                    break;
                case (3, LengthDelimited):
                    ReadIds(reader.ReadBytes());
                    break;
                case (3, 0):
                    AddId((int)reader.ReadVarint());
                    break;
                case (4, LengthDelimited):
                    _logprobs.Add(Wire.Logprob.Parser.ParseFrom(reader.ReadBytes()));
                    break;
                case (5, LengthDelimited):
                    delta.Finish = Wire.Finish.Parser.ParseFrom(reader.ReadBytes());
                    break;
                case (6, 0):
                    delta.Index = (int)reader.ReadVarint();
                    break;
                case (7, 0):
                    delta.PromptTokens = (int)reader.ReadVarint();
                    break;
                case (8, 0):
                    delta.CachedPromptTokens = (int)reader.ReadVarint();
                    break;
                default:
                    reader.Skip(wireType);
                    break;
            }
        }
        delta.TokenIds = _ids.AsSpan(0, _idCount);
        delta.Logprobs = _logprobs.Count > 0 ? _logprobs : null;
        return delta;
    }

    private void ReadIds(ReadOnlySpan<byte> packed)
    {
        var reader = new ProtoReader(packed);
        while (!reader.IsAtEnd)
            AddId((int)reader.ReadVarint());
    }

    private void AddId(int id)
    {
        if (_idCount == _ids.Length)
            Array.Resize(ref _ids, _ids.Length * 2);
        _ids[_idCount++] = id;
    }
}
