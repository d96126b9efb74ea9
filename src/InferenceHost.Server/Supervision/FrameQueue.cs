using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using InferenceHost.Server.Errors;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Supervision;

/// <summary>Frames on their way to the engine process. Any thread adds, one thread takes; a process that does not read cannot hold a caller up.</summary>
internal sealed class FrameQueue
{
    // Far above what a healthy engine ever leaves unread.
    private const long MaxQueuedBytes = 256L * 1024 * 1024;
    private readonly object _gate = new();
    private readonly Queue<ArraySegment<byte>> _frames = new();
    private long _queuedBytes;
    private bool _closed;

    /// <summary>Adds a message; does nothing after <see cref="Close"/>.</summary>
    /// <returns>Null, or why it cannot be sent.</returns>
    public Refusal? Add(Wire.ToWorker message)
    {
        var length = message.CalculateSize();
        if (length > FrameBuffer.MaxFrameBytes)
        {
            return new Refusal(RefusalKind.TooLarge, "REQUEST_TOO_LARGE",
                $"the request needs a frame of {length} bytes; at most {FrameBuffer.MaxFrameBytes} are allowed");
        }
        var bytes = ArrayPool<byte>.Shared.Rent(FrameBuffer.HeaderBytes + length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)length);
        message.WriteTo(bytes.AsSpan(FrameBuffer.HeaderBytes, length));
        lock (_gate)
        {
            if (_closed)
                return null;
            if (_queuedBytes + length > MaxQueuedBytes)
            {
                return new Refusal(RefusalKind.Overloaded, "ENGINE_NOT_READING", "the engine process does not take requests at the moment")
                {
                    RetryAfter = TimeSpan.FromSeconds(1),
                };
            }
            _queuedBytes += length;
            _frames.Enqueue(new ArraySegment<byte>(bytes, 0, FrameBuffer.HeaderBytes + length));
            Monitor.Pulse(_gate);
        }
        return null;
    }

    /// <summary>Waits for the next frame; false when the queue is closed. The array goes back with <see cref="Return"/>.</summary>
    public bool TryTake(out ArraySegment<byte> frame)
    {
        lock (_gate)
        {
            while (!_frames.TryDequeue(out frame))
            {
                if (_closed)
                    return false;
                Monitor.Wait(_gate);
            }
            _queuedBytes -= frame.Count - FrameBuffer.HeaderBytes;
            return !_closed;
        }
    }

    /// <summary>Gives a frame's array back.</summary>
    public static void Return(ArraySegment<byte> frame) => ArrayPool<byte>.Shared.Return(frame.Array!);

    /// <summary>Drops what waits and lets the taker end.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _frames.Clear();
            Monitor.PulseAll(_gate);
        }
    }
}
