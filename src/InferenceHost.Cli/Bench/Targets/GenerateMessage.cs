using System.Buffers.Binary;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>
/// What counts in one <c>inferencehost.v1.GenerateResponse</c>, read straight off the wire: field 2 token ids, 4 finish reason, 5 usage
/// (its fields 1 prompt, 2 cached, 3 completion). Everything else is skipped, so that the driver costs next to nothing per token.
/// </summary>
internal sealed class GenerateMessage
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    /// <summary>Token ids in the message.</summary>
    public int Tokens { get; private set; }

    /// <summary>Whether a finish reason is set.</summary>
    public bool Finished { get; private set; }

    /// <summary>Usage: tokens generated; null where the message has no usage.</summary>
    public int? CompletionTokens { get; private set; }

    /// <summary>Usage: tokens of the prompt.</summary>
    public int? PromptTokens { get; private set; }

    /// <summary>Usage: prompt tokens taken from the cache.</summary>
    public int? CachedTokens { get; private set; }

    /// <summary>Scans one message.</summary>
    /// <exception cref="InvalidDataException">It is no well-formed protobuf message.</exception>
    public static GenerateMessage Parse(ReadOnlySpan<byte> wire)
    {
        var message = new GenerateMessage();
        while (!wire.IsEmpty)
        {
            var tag = ReadVarint(ref wire);
            switch ((tag >> 3, (int)(tag & 7)))
            {
                case (2, LengthDelimited): message.Tokens += CountVarints(ReadBlock(ref wire)); break;
                case (2, Varint): ReadVarint(ref wire); message.Tokens++; break;
                case (4, Varint): ReadVarint(ref wire); message.Finished = true; break;
                case (5, LengthDelimited): message.ParseUsage(ReadBlock(ref wire)); break;
                case (_, var wireType): Skip(ref wire, wireType); break;
            }
        }
        return message;
    }

    // A proto3 zero is not on the wire, so a usage without a field means 0.
    private void ParseUsage(ReadOnlySpan<byte> wire)
    {
        (PromptTokens, CachedTokens, CompletionTokens) = (0, 0, 0);
        while (!wire.IsEmpty)
        {
            var tag = ReadVarint(ref wire);
            switch ((tag >> 3, (int)(tag & 7)))
            {
                case (1, Varint): PromptTokens = (int)ReadVarint(ref wire); break;
                case (2, Varint): CachedTokens = (int)ReadVarint(ref wire); break;
                case (3, Varint): CompletionTokens = (int)ReadVarint(ref wire); break;
                case (_, var wireType): Skip(ref wire, wireType); break;
            }
        }
    }

    private static void Skip(ref ReadOnlySpan<byte> wire, int wireType)
    {
        switch (wireType)
        {
            case Varint: ReadVarint(ref wire); break;
            case Fixed64: Take(ref wire, sizeof(ulong)); break;
            case LengthDelimited: ReadBlock(ref wire); break;
            case Fixed32: Take(ref wire, sizeof(uint)); break;
            default: throw new InvalidDataException($"a message of the stream has wire type {wireType}");
        }
    }

    // Each varint ends with the one byte whose high bit is clear.
    private static int CountVarints(ReadOnlySpan<byte> block)
    {
        var count = 0;
        while (block.Length >= sizeof(ulong))
        {
            count += sizeof(ulong) - System.Numerics.BitOperations.PopCount(BinaryPrimitives.ReadUInt64LittleEndian(block) & 0x8080_8080_8080_8080UL);
            block = block[sizeof(ulong)..];
        }
        foreach (var b in block) count += b < 0x80 ? 1 : 0;
        return count;
    }

    private static ReadOnlySpan<byte> ReadBlock(ref ReadOnlySpan<byte> wire)
    {
        var length = ReadVarint(ref wire);
        return Take(ref wire, length <= int.MaxValue ? (int)length : int.MaxValue);
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> wire, int length)
    {
        if (length > wire.Length) throw new InvalidDataException("a message of the stream is cut short");
        var block = wire[..length];
        wire = wire[length..];
        return block;
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> wire)
    {
        ulong value = 0;
        for (var i = 0; i < wire.Length && i < 10; i++)
        {
            value |= (ulong)(wire[i] & 0x7F) << (7 * i);
            if (wire[i] >= 0x80) continue;
            wire = wire[(i + 1)..];
            return value;
        }
        throw new InvalidDataException("a message of the stream is cut short");
    }
}
