using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace InferenceHost.Core.Streaming;

/// <summary>
/// Puts the bytes of tokens together to whole characters: a character whose bytes are spread over several tokens is emitted with the last of them.
/// Bytes that can never become a character are replaced by U+FFFD, one per maximal subpart (Unicode 17, section 3.9). Nothing else is changed.
/// A mutable value, one per sequence; copying it copies the state.
/// </summary>
public struct Utf8Assembler
{
    private const int MaxPendingBytes = 3;
    private const int ReplacementBytes = 3;

    // Up to three bytes of an unfinished character, first byte lowest.
    private uint _pending;
    private int _pendingBytes;

    /// <summary>Bytes of an unfinished character that wait for the next token (0 to 3).</summary>
    public readonly int PendingBytes => _pendingBytes;

    /// <summary>A destination of this size is enough for any input of that length.</summary>
    public static int MaxOutputBytes(int inputBytes) => checked((inputBytes + MaxPendingBytes) * ReplacementBytes);

    /// <summary>Takes the bytes of one token and writes the characters that are complete by it.</summary>
    /// <param name="token">Bytes of the token, as the vocabulary has them.</param>
    /// <param name="destination">Receives well-formed UTF-8; at least <see cref="MaxOutputBytes"/> of the input.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short; nothing has changed.</exception>
    public int Append(ReadOnlySpan<byte> token, Span<byte> destination)
    {
        RequireRoom(destination.Length, MaxOutputBytes(token.Length));
        if (_pendingBytes == 0 && Utf8.IsValid(token))
        {
            token.CopyTo(destination);
            return token.Length;
        }

        var written = FinishPending(ref token, destination);
        while (!token.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(token, out _, out var consumed);
            if (status == OperationStatus.NeedMoreData)
            {
                Hold(token);
                break;
            }

            written += Emit(status, token[..consumed], destination[written..]);
            token = token[consumed..];
        }

        return written;
    }

    /// <summary>Ends the text: an unfinished character becomes one U+FFFD.</summary>
    /// <param name="destination">At least 3 bytes.</param>
    /// <returns>Bytes written, 0 or 3.</returns>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    public int Flush(Span<byte> destination)
    {
        RequireRoom(destination.Length, ReplacementBytes);
        if (_pendingBytes == 0)
            return 0;
        Hold([]);
        return Emit(OperationStatus.InvalidData, [], destination);
    }

    // Adds bytes to the unfinished character one at a time until it is complete or proves to be none.
    private int FinishPending(ref ReadOnlySpan<byte> token, Span<byte> destination)
    {
        var written = 0;
        Span<byte> character = stackalloc byte[MaxPendingBytes + 1];
        while (_pendingBytes > 0 && !token.IsEmpty)
        {
            var held = _pendingBytes;
            for (var index = 0; index < held; index++)
                character[index] = (byte)(_pending >> (8 * index));
            character[held] = token[0];
            var status = Rune.DecodeFromUtf8(character[..(held + 1)], out _, out var consumed);
            if (status == OperationStatus.NeedMoreData)
            {
                Hold(character[..(held + 1)]);
                token = token[1..];
                continue;
            }

            // When the new byte does not fit, the held ones alone are the maximal subpart and the new byte is read afresh.
            if (status == OperationStatus.Done)
                token = token[1..];
            written += Emit(status, character[..consumed], destination[written..]);
            Hold([]);
        }

        return written;
    }

    private static int Emit(OperationStatus status, ReadOnlySpan<byte> character, Span<byte> destination)
    {
        if (status != OperationStatus.Done)
            character = "\uFFFD"u8;
        character.CopyTo(destination);
        return character.Length;
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        _pending = 0;
        _pendingBytes = bytes.Length;
        for (var index = 0; index < bytes.Length; index++)
            _pending |= (uint)bytes[index] << (8 * index);
    }

    private static void RequireRoom(int length, int needed)
    {
        if (length < needed)
            throw new ArgumentException($"The destination holds {length} bytes, {needed} may be needed.");
    }
}
