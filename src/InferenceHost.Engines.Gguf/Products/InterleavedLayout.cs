namespace InferenceHost.Engines.Gguf.Products;

/// <summary>ggml's layouts of eight columns together: eight bytes of each in turn (repack.cpp). Two of them make a panel.</summary>
internal static unsafe class InterleavedLayout
{
    public const int Together = 8;

    /// <summary>A round: eight bytes of eight columns.</summary>
    public const int RoundBytes = 64;

    /// <summary>Blocks of 32 (iq4_nl, q4_0): eight scales, then two rounds of bytes; a byte has input j below and input j + 16 above.</summary>
    public const int TableBlockBytes = Together * (HalfBytes + 16), TableQuantsAt = Together * HalfBytes;

    /// <summary>
    /// Blocks of 256 (q4_K): eight scales, eight scales of offsets, eight times twelve bytes with six bits of both for each column, sixteen rounds of bytes; a byte has
    /// an input of one part below and the same input of the next part above.
    /// </summary>
    public const int OffsetScalesAt = Together * HalfBytes, SixBitsAt = 2 * Together * HalfBytes, SixBitsBytes = 12, Q4QuantsAt = 128, Q4BlockBytes = 1152, Q4Rounds = 16, Parts = 8;

    private const int HalfBytes = 2;

    // The table of iq4_nl (ggml-common.h, kvalues_iq4nl) and the values of q4_0, whose top bits repacking turns round, above ProductLayout.ByteBias.
    private static ReadOnlySpan<byte> IQ4Values => [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

    private static ReadOnlySpan<byte> Q4Values => [128, 129, 130, 131, 132, 133, 134, 135, 120, 121, 122, 123, 124, 125, 126, 127];

    /// <summary>What four bits stand for, above <see cref="ProductLayout.ByteBias"/>.</summary>
    public static ReadOnlySpan<byte> Table(WeightFormat format) => format == WeightFormat.InterleavedIQ4_NL ? IQ4Values : Q4Values;

    /// <summary>Stored blocks of a part of eight columns.</summary>
    public static int Blocks(in ProductWeight weight, in PanelPart part) => part.Inputs / weight.Format.StoredInputs();

    /// <summary>Bytes from a panel to the one that this thread will most likely read next.</summary>
    public static nint Ahead(in ProductWeight weight, in PanelPart part) => part.Ahead * 2 * EightBytes(weight);

    /// <summary>The part of a panel's first eight columns.</summary>
    public static byte* Left(in ProductWeight weight, in PanelPart part, int blockBytes) =>
        weight.Data + (part.Panel * 2 * EightBytes(weight)) + ((nint)part.FirstInput / weight.Format.StoredInputs() * blockBytes);

    /// <summary>That of the other eight; behind the last of a weight come the same again.</summary>
    public static byte* Right(in ProductWeight weight, in PanelPart part, byte* left) =>
        ((part.Panel * 2) + 1) * Together < weight.Columns ? left + EightBytes(weight) : left;

    private static nint EightBytes(in ProductWeight weight) => Together * weight.Stride;

    /// <summary>
    /// Scales and offsets of a part, a byte for each of eight columns. Columns 0-3 have their six bits in bytes 0-3 (offsets: 4-7); columns 4-7 have four in bytes 8-11
    /// and two at the top of those.
    /// </summary>
    public static (ulong Scales, ulong Offsets) SixBitBytes(byte* at)
    {
        const uint Six = 0x3F3F3F3F, Four = 0x0F0F0F0F, Top = 0x30303030;
        uint first = *(uint*)at, second = *(uint*)(at + 4), third = *(uint*)(at + 8);
        return ((first & Six) | ((ulong)((third & Four) | ((first >> 2) & Top)) << 32), (second & Six) | ((ulong)(((third >> 4) & Four) | ((second >> 2) & Top)) << 32));
    }
}
