using System.Buffers;
using System.Buffers.Binary;
using InferenceHost.Server.Streaming;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace InferenceHost.Server.Tests.Streaming;

public sealed class WindowFramesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public void WindowsAreReadWhateverThePieces(int piece)
    {
        var windows = new ConnectionWindows(TimeProvider.System);
        using var stream = Open(windows, 1);
        byte[] bytes =
        [
            .. new byte[24],
            .. Frame(4, 0, [0, 3, 0, 0, 0, 9, 0, 4, 0, 0, 0, 100]),
            .. Frame(1, 1, new byte[300]),
            .. Frame(4, 0, []),
            .. Frame(0, 1, new byte[17]),
            .. Frame(8, 1, [0, 0, 0, 11]),
            .. Frame(8, 3, [0, 0, 0, 99]),
        ];
        var frames = new WindowFrames(windows);
        foreach (var part in bytes.Chunk(piece))
            frames.Read(new ReadOnlySequence<byte>(part));
        stream.Wrote(111);
        Assert.True(stream.IsTaken);
        stream.Wrote(1);
        Assert.False(stream.IsTaken);
        // What was opened before its call began counts for it.
        using var third = Open(windows, 3);
        third.Wrote(199);
        Assert.True(third.IsTaken);
    }

    [Fact]
    public void ConnectionsWindowHoldsForItsStreamsTogether()
    {
        var windows = new ConnectionWindows(TimeProvider.System);
        using var one = Open(windows, 1);
        using var two = Open(windows, 3);
        one.Wrote(40_000);
        two.Wrote(25_535);
        Assert.True(one.IsTaken);
        two.Wrote(1);
        Assert.False(one.IsTaken);
        windows.Opened(0, 1);
        Assert.True(one.IsTaken);
        Assert.NotEqual(0, one.LastOpened);
    }

    [Fact]
    public void CallThatBrokeOffDoesNotCountAgainstTheOthers()
    {
        var windows = new ConnectionWindows(TimeProvider.System);
        for (var id = 1; id < 200; id += 2)
        {
            using var broken = Open(windows, id);
            broken.Wrote(5_000);
        }
        using var last = Open(windows, 201);
        last.Wrote(60_000);
        Assert.True(last.IsTaken);
    }

    [Fact]
    public async Task WaitingEndsWhenTheWindowOpens()
    {
        var windows = new ConnectionWindows(TimeProvider.System);
        windows.SetInitialWindow(0);
        using var stream = Open(windows, 1);
        stream.Wrote(10);
        var taken = stream.WhenTaken(CancellationToken.None);
        windows.Opened(1, 9);
        Assert.False(taken.IsCompleted);
        windows.Opened(1, 1);
        await taken.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static ReaderWindow Open(ConnectionWindows windows, int id)
    {
        var http = new DefaultHttpContext();
        http.Features.Set<IConnectionItemsFeature>(new Connection(windows));
        http.Features.Set<IHttp2StreamIdFeature>(new StreamNumber(id));
        return ConnectionWindows.Of(http)!;
    }

    private static byte[] Frame(byte type, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private sealed class Connection(ConnectionWindows windows) : IConnectionItemsFeature
    {
        public IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?> { [typeof(ConnectionWindows)] = windows };
    }

    private sealed class StreamNumber(int id) : IHttp2StreamIdFeature
    {
        public int StreamId { get; } = id;
    }
}
