using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace InferenceHost.Server.Streaming;

/// <summary>Shows every byte a client sends to <see cref="WindowFrames"/> before Kestrel reads it; changes nothing.</summary>
internal sealed class WindowPipeReader(PipeReader inner, WindowFrames frames) : PipeReader
{
    private System.Buffers.ReadOnlySequence<byte> _buffer;
    // Bytes at the beginning of the buffer that were shown before.
    private long _shown;

    /// <summary>Watches the windows of a connection; the calls find them in its items.</summary>
    public static ConnectionDelegate Watch(ConnectionDelegate next, TimeProvider time) => connection =>
    {
        var windows = new ConnectionWindows(time);
        connection.Items[typeof(ConnectionWindows)] = windows;
        connection.Transport = new WatchedTransport(new WindowPipeReader(connection.Transport.Input, new WindowFrames(windows)), connection.Transport.Output);
        return next(connection);
    };

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var result = await inner.ReadAsync(cancellationToken);
        Show(result);
        return result;
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
            return false;
        Show(result);
        return true;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _shown -= _buffer.Slice(0, consumed).Length;
        _buffer = default;
        inner.AdvanceTo(consumed, examined);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => inner.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    private void Show(ReadResult result)
    {
        _buffer = result.Buffer;
        if (_buffer.Length > _shown)
            frames.Read(_buffer.Slice(_shown));
        _shown = _buffer.Length;
    }

    private sealed class WatchedTransport(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input { get; } = input;

        public PipeWriter Output { get; } = output;
    }
}
