using System.Net.Sockets;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Streaming;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Supervision;

/// <summary>
/// The connection to one engine process: a thread that reads its frames and one that writes ours, both blocking, so that a token costs one wake-up
/// and no thread-pool hop. Answers find their call by id, token frames their stream.
/// </summary>
internal sealed class WorkerLink : IDisposable
{
    private readonly Socket _socket;
    private readonly FrameQueue _outgoing = new();
    private readonly StreamTable _streams = new();
    private readonly CallTable _calls = new();
    private readonly TokenFrameReader _tokens = new();
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Wire.Hello> _hello = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TokenFrameReader.DeltaHandler _onDelta;
    private long _lastFrame;
    private long _stepAgeMs;

    public WorkerLink(Socket socket, TimeProvider time)
    {
        _socket = socket;
        _time = time;
        _lastFrame = time.GetTimestamp();
        _onDelta = _streams.Append;
        new Thread(ReadFrames) { IsBackground = true, Name = "engine frames in" }.Start();
        new Thread(WriteFrames) { IsBackground = true, Name = "engine frames out" }.Start();
    }

    /// <summary>The first frame of the process.</summary>
    public Task<Wire.Hello> Hello => _hello.Task;

    /// <summary>Completes with the cause when the connection has ended; every call and stream has ended by then.</summary>
    public Task<string> Closed => _closed.Task;

    /// <summary>Streams that run.</summary>
    public StreamTable Streams => _streams;

    /// <summary>Receives progress of a load in progress; called on the reading thread.</summary>
    public Action<Wire.LoadProgress>? LoadProgress { get; set; }

    /// <summary>Time since the process last sent anything.</summary>
    public TimeSpan Silence => _time.GetElapsedTime(Volatile.Read(ref _lastFrame));

    /// <summary>How long the engine call in progress has taken, as of the last heartbeat.</summary>
    public TimeSpan StepAge => TimeSpan.FromMilliseconds(Volatile.Read(ref _stepAgeMs));

    /// <summary>Sends a message and waits for the answer that repeats its call id.</summary>
    /// <exception cref="RefusalException">The process refused, or ended before it answered.</exception>
    public async Task<Wire.FromWorker> CallAsync(Wire.ToWorker message, CancellationToken cancellation)
    {
        var answer = _calls.Add(out var id);
        message.CallId = id;
        try
        {
            if (_outgoing.Add(message) is { } refusal)
                throw new RefusalException(refusal);
            var reply = await answer.WaitAsync(cancellation);
            return reply.BodyCase == Wire.FromWorker.BodyOneofCase.Failure
                ? throw new RefusalException(StatusMapper.FromFailure(reply.Failure))
                : reply;
        }
        finally
        {
            _calls.Remove(id);
        }
    }

    /// <summary>Registers a stream and sends its request.</summary>
    /// <returns>Null, or why it could not be sent.</returns>
    public Refusal? Submit(GenerationStream stream, Wire.Submit submit)
    {
        if (!_streams.TryAdd(stream))
            return Refusal.EngineRestarted("before the call was sent");
        // A refusal of the whole request may come as the answer to a call of this id.
        var refusal = _outgoing.Add(new Wire.ToWorker { CallId = submit.SequenceId, Submit = submit });
        if (refusal is not null)
            _streams.Remove(stream.Id);
        return refusal;
    }

    /// <summary>Tells the process to end a sequence.</summary>
    public void Cancel(ulong sequenceId) => _outgoing.Add(new Wire.ToWorker { Cancel = new Wire.Cancel { SequenceId = sequenceId } });

    /// <summary>Asks the process to end by itself.</summary>
    public void Shutdown(TimeSpan drain) =>
        _outgoing.Add(new Wire.ToWorker { Shutdown = new Wire.Shutdown { DrainMs = (int)drain.TotalMilliseconds } });

    /// <summary>Ends the connection; calls and streams end with <paramref name="cause"/>.</summary>
    public void Close(string cause)
    {
        if (!_closed.TrySetResult(cause))
            return;
        _outgoing.Close();
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The other side was faster.
        }
        _socket.Dispose();
        _hello.TrySetException(new RefusalException(Refusal.EngineRestarted(cause)));
        var refusal = Refusal.EngineRestarted(cause);
        _calls.FailAll(refusal);
        _streams.FailAll(refusal);
    }

    /// <inheritdoc/>
    public void Dispose() => Close("the server closed the connection");

    private void ReadFrames()
    {
        var cause = "the connection to it ended";
        using var buffer = new FrameBuffer();
        try
        {
            int received;
            while ((received = _socket.Receive(buffer.Writable())) > 0)
            {
                buffer.Advance(received);
                Volatile.Write(ref _lastFrame, _time.GetTimestamp());
                while (buffer.TryTake(out var frame))
                    Dispatch(frame);
                _streams.SignalReady();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The process died with unread data, or this side closed.
        }
        catch (Exception error) when (error is ProtocolException or Google.Protobuf.InvalidProtocolBufferException)
        {
            cause = "it sent a malformed frame: " + error.Message;
        }
        Close(cause);
    }

    private void Dispatch(ReadOnlySpan<byte> frame)
    {
        if (TokenFrameReader.IsTokenFrame(frame))
        {
            _tokens.Read(frame, _onDelta);
            return;
        }
        var message = Wire.FromWorker.Parser.ParseFrom(frame);
        switch (message.BodyCase)
        {
            case Wire.FromWorker.BodyOneofCase.Heartbeat:
                Volatile.Write(ref _stepAgeMs, message.Heartbeat.StepAgeMs);
                break;
            case Wire.FromWorker.BodyOneofCase.Hello:
                _hello.TrySetResult(message.Hello);
                break;
            case Wire.FromWorker.BodyOneofCase.LoadProgress:
                LoadProgress?.Invoke(message.LoadProgress);
                break;
            case Wire.FromWorker.BodyOneofCase.Failure when _streams.Find(message.CallId) is { } stream:
                stream.Fail(StatusMapper.FromFailure(message.Failure));
                break;
            default:
                _calls.Complete(message);
                break;
        }
    }

    private void WriteFrames()
    {
        try
        {
            while (_outgoing.TryTake(out var frame))
            {
                var rest = frame.AsSpan();
                while (rest.Length > 0)
                    rest = rest[_socket.Send(rest)..];
                FrameQueue.Return(frame);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The reading thread sees the end too and tells everyone.
        }
    }
}
