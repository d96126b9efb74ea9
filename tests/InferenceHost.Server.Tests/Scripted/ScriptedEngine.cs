using System.Buffers.Binary;
using System.Net.Sockets;
using System.Threading.Channels;
using Google.Protobuf;
using InferenceHost.Protocol;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>An engine process that does what a test says: speaks the frames over the real socket, inside the test's process.</summary>
internal sealed class ScriptedEngine : IWorkerProcess
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly TaskCompletionSource<string> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<ToWorker> _received = Channel.CreateUnbounded<ToWorker>();
    private readonly Script _script;
    private readonly Lock _sending = new();
    private Timer? _heartbeat;

    public ScriptedEngine(string socketPath, int number, Script script)
    {
        ProcessId = 100_000 + number;
        Number = number;
        SocketFolder = Path.GetDirectoryName(socketPath)!;
        _script = script;
        if (script.DiesBeforeConnecting(number))
        {
            RecentOutput = "scripted: no such device";
            _exited.SetResult("exit code 134");
            return;
        }
        _ = Task.Run(() => RunAsync(socketPath));
    }

    /// <summary>Folder of the socket it connects to.</summary>
    public string SocketFolder { get; }

    /// <summary>Which start this is, from 1.</summary>
    public int Number { get; }

    public int ProcessId { get; }

    public Task<string> Exited => _exited.Task;

    public string RecentOutput { get; private set; } = "";

    /// <summary>Frames the script did not answer by itself, in order.</summary>
    public ChannelReader<ToWorker> Received => _received.Reader;

    /// <summary>Ends the process without a word.</summary>
    public void Kill()
    {
        if (!_exited.TrySetResult("signal 9"))
            return;
        _heartbeat?.Dispose();
        _socket.Dispose();
        _received.Writer.TryComplete();
    }

    /// <summary>Goes on without heartbeats, as a process that hangs.</summary>
    public void StopHeartbeat() => _heartbeat?.Dispose();

    public ValueTask DisposeAsync()
    {
        Kill();
        return ValueTask.CompletedTask;
    }

    /// <summary>Sends a frame, in pieces where the script says so.</summary>
    public void Send(FromWorker message)
    {
        var bytes = new byte[4 + message.CalculateSize()];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - 4);
        message.WriteTo(bytes.AsSpan(4));
        SendRaw(bytes);
    }

    /// <summary>Sends bytes as they are.</summary>
    public void SendRaw(byte[] bytes)
    {
        lock (_sending)
        {
            try
            {
                var piece = _script.PieceBytes > 0 ? _script.PieceBytes : bytes.Length;
                for (var at = 0; at < bytes.Length; at += piece)
                    _socket.Send(bytes.AsSpan(at, Math.Min(piece, bytes.Length - at)));
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Killed meanwhile, or the server closed.
            }
        }
    }

    /// <summary>Sends one delta of one sequence.</summary>
    public void Emit(ulong sequence, string text, params int[] ids) => Send(Delta(sequence, text, ids));

    /// <summary>Ends a sequence.</summary>
    public void Finish(ulong sequence, int reason, int completionTokens, int promptTokens = 3, int index = 0) => Send(new FromWorker
    {
        Frame = new TokenFrame
        {
            Deltas =
            {
                new SequenceDelta
                {
                    SequenceId = sequence,
                    Index = index,
                    Finish = new Finish { Reason = reason, CompletionTokens = completionTokens, PromptTokens = promptTokens, DecodeMs = 1.5 },
                },
            },
        },
    });

    /// <summary>The next frame that the script left to the test.</summary>
    public async Task<ToWorker> NextAsync() => await _received.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    /// <summary>The next submission that the script left to the test.</summary>
    public async Task<Submit> NextSubmitAsync()
    {
        while (true)
        {
            var frame = await NextAsync();
            if (frame.Submit is { } submit)
                return submit;
        }
    }

    /// <summary>Waits for the cancellation of a sequence.</summary>
    public async Task CancelOfAsync(ulong sequence)
    {
        while ((await NextAsync()).Cancel?.SequenceId != sequence)
        {
        }
    }

    public static FromWorker Delta(ulong sequence, string text, params int[] ids)
    {
        var delta = new SequenceDelta { SequenceId = sequence, Text = ByteString.CopyFromUtf8(text) };
        delta.TokenIds.Add(ids);
        return new FromWorker { Frame = new TokenFrame { Deltas = { delta } } };
    }

    private async Task RunAsync(string socketPath)
    {
        try
        {
            await _socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath));
            Send(new FromWorker { Hello = new Hello { ProcessId = ProcessId, ProtocolVersion = _script.ProtocolVersion } });
            if (_script.Heartbeats)
                _heartbeat = new Timer(_ => Send(new FromWorker { Heartbeat = new Heartbeat { StepAgeMs = _script.StepAgeMs } }), null, 0, 50);
            var header = new byte[4];
            while (await ReadAsync(header))
            {
                var body = new byte[BinaryPrimitives.ReadInt32LittleEndian(header)];
                if (!await ReadAsync(body))
                    break;
                var message = ToWorker.Parser.ParseFrom(body);
                if (message.BodyCase == ToWorker.BodyOneofCase.Shutdown)
                    break;
                if (!_script.Handle(this, message))
                    _received.Writer.TryWrite(message);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Killed.
        }
        if (_exited.TrySetResult("exit code 0"))
        {
            _heartbeat?.Dispose();
            _socket.Dispose();
            _received.Writer.TryComplete();
        }
    }

    private async Task<bool> ReadAsync(byte[] into)
    {
        for (var at = 0; at < into.Length;)
        {
            var read = await _socket.ReceiveAsync(into.AsMemory(at));
            if (read == 0)
                return false;
            at += read;
        }
        return true;
    }

    internal static int DefaultProtocolVersion => WorkerProtocol.Version;
}
