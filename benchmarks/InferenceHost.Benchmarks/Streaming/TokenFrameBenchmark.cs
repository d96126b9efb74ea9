using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Streaming;
using InferenceHost.Protocol.V1;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Streaming;
using InferenceHost.Server.Supervision;
using InferenceHost.Worker;
using InferenceHost.Worker.Tests;

namespace InferenceHost.Benchmarks.Streaming;

/// <summary>One token of every stream on its way from the engine process to the calls of the server, both ends in this process.</summary>
[Config(typeof(ShortInProcess))]
public class TokenFrameBenchmark
{
    private const int Frames = 1_000, RoundTrips = 100;

    private readonly StepFrame _frame = new();
    private readonly FrameBuffer _received = new();
    private readonly TokenFrameReader _reader = new();
    private readonly ManualResetEventSlim _delivered = new(false);
    private SocketPair _sockets = null!;
    private FrameEncoder _encoder = null!;
    private WorkerLink _link = null!;
    private TokenFrameReader.DeltaHandler _count = null!;
    private byte[] _encoded = [];
    private int _tokens, _messages;

    [Params(1, 8, 32)]
    public int Streams { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _sockets = new SocketPair();
        _encoder = new FrameEncoder(new ServerLink(_sockets.Worker));
        _link = new WorkerLink(_sockets.Server, TimeProvider.System);
        for (var i = 1; i <= Streams; i++)
        {
            _frame.AppendToken(20_000 + i, 0, []);
            " word"u8.CopyTo(_frame.TextBuffer(5));
            _frame.AdvanceText(5);
            _frame.CloseDelta(new SequenceId((ulong)i), 0, false, null);
            var stream = new GenerationStream((ulong)i, 1);
            if (_link.Submit(stream, new Submit { SequenceId = stream.Id }) is { } refusal) throw new InvalidOperationException(refusal.Message);
            _ = TakeAsync(stream);
        }
        _count = Count;
        _encoded = _encoder.Encode(_frame).ToArray();
    }

    /// <summary>Worker: what the step produced becomes the bytes of a frame.</summary>
    [Benchmark(OperationsPerInvoke = Frames)]
    public int Encode()
    {
        var bytes = 0;
        for (var i = 0; i < Frames; i++) bytes += _encoder.Encode(_frame).Length;
        return bytes;
    }

    /// <summary>Server: received bytes become a view of each stream's part.</summary>
    [Benchmark(OperationsPerInvoke = Frames)]
    public void Decode()
    {
        _tokens = 0;
        for (var i = 0; i < Frames; i++)
        {
            _encoded.CopyTo(_received.Writable());
            _received.Advance(_encoded.Length);
            while (_received.TryTake(out var frame)) _reader.Read(frame, _count);
        }
        if (_tokens != Frames * Streams) throw new InvalidOperationException($"{_tokens} tokens arrived in {Frames} frames of {Streams}");
    }

    /// <summary>From the end of a step until every stream's call holds its message: encoded, through a Unix socket, one wake-up of the reading thread, decoded, dealt out.</summary>
    [Benchmark(OperationsPerInvoke = RoundTrips)]
    public void Deliver()
    {
        for (var i = 0; i < RoundTrips; i++)
        {
            _messages = 0;
            _delivered.Reset();
            _encoder.Publish(_frame);
            if (!_delivered.Wait(TimeSpan.FromSeconds(10))) throw new InvalidOperationException($"{_messages} of {Streams} messages arrived");
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _link.Dispose();
        _sockets.Dispose();
        _received.Dispose();
        _delivered.Dispose();
    }

    private void Count(in DeltaView delta) => _tokens += delta.TokenIds.Length;

    // As a call does it, on the thread that reads the socket.
    private async Task TakeAsync(GenerationStream stream)
    {
        var message = new GenerateResponse();
        while (true)
        {
            await stream.WaitAsync();
            var read = stream.TryTake(message, out _);
            if (read != StreamRead.Message) return;
            if (++_messages == Streams) _delivered.Set();
        }
    }
}
