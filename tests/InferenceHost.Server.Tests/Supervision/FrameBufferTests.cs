using System.Buffers.Binary;
using FsCheck.Xunit;
using InferenceHost.Server.Streaming;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Tests.Supervision;

public sealed class FrameBufferTests
{
    [Property(MaxTest = 100)]
    public bool FramesComeOutAsTheyWentInWhateverThePieces(byte[][] frames, int piece)
    {
        using var buffer = new FrameBuffer();
        var bytes = frames.SelectMany(f => BitConverter.GetBytes(f.Length).Concat(f)).ToArray();
        var seen = new List<byte[]>();
        foreach (var part in bytes.Chunk((int)((uint)piece % 97) + 1))
        {
            part.CopyTo(buffer.Writable());
            buffer.Advance(part.Length);
            while (buffer.TryTake(out var frame))
                seen.Add(frame.ToArray());
        }
        return seen.Count == frames.Length && seen.Zip(frames).All(p => p.First.SequenceEqual(p.Second));
    }

    [Fact]
    public void FrameLargerThanTheBufferFits()
    {
        using var buffer = new FrameBuffer();
        var frame = new byte[5_000_000];
        frame[^1] = 7;
        var bytes = new byte[4 + frame.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, frame.Length);
        frame.CopyTo(bytes, 4);
        for (var at = 0; at < bytes.Length;)
        {
            var room = buffer.Writable();
            var taken = Math.Min(room.Length, bytes.Length - at);
            bytes.AsSpan(at, taken).CopyTo(room);
            buffer.Advance(taken);
            at += taken;
        }
        Assert.True(buffer.TryTake(out var whole));
        Assert.True(whole.SequenceEqual(frame));
    }

    [Fact]
    public void FrameOverTheLimitIsRefused()
    {
        using var buffer = new FrameBuffer();
        BinaryPrimitives.WriteUInt32LittleEndian(buffer.Writable(), FrameBuffer.MaxFrameBytes + 1);
        buffer.Advance(4);
        Assert.Throws<ProtocolException>(() => buffer.TryTake(out _));
    }

    [Property(MaxTest = 500)]
    public bool TokenFrameReaderTakesNoBytesForMoreThanTheyAre(byte[] bytes)
    {
        try
        {
            new TokenFrameReader().Read(bytes, (in DeltaView delta) => Assert.True(delta.Text.Length <= bytes.Length && delta.TokenIds.Length <= bytes.Length));
        }
        catch (Exception error) when (error is ProtocolException or Google.Protobuf.InvalidProtocolBufferException)
        {
            // Refused, which is as good.
        }
        return true;
    }
}
