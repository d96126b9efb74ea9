using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Writes sixteen columns of a weight as a panel (<see cref="ProductLayout"/>). Behind the last column come repeated ones.</summary>
internal static unsafe class WeightPanel
{
    private const int CacheLine = 64;

    /// <summary>Reads a part of a panel, block by block.</summary>
    public static void Read(in ProductWeight weight, in PanelPart part, byte* target)
    {
        var isWords = weight.Layout.Instructions == ProductInstructions.Words256;
        switch (weight.Format)
        {
            case WeightFormat.Q8_0: ReadColumns<ColumnsQ8_0>(weight, part, target); break;
            case WeightFormat.Q5_0: ReadColumns<ColumnsQ5_0>(weight, part, target); break;
            case WeightFormat.Q5_1: ReadColumns<ColumnsQ5_1>(weight, part, target); break;
            case WeightFormat.Q4_1: ReadColumns<ColumnsQ4_1>(weight, part, target); break;
            case WeightFormat.Q5_K: ReadColumns<ColumnsQ5_K>(weight, part, target); break;
            case WeightFormat.Q6_K: ReadColumns<ColumnsQ6_K>(weight, part, target); break;
            case WeightFormat.InterleavedQ4_K when isWords: InterleavedWords.ReadQ4_K(weight, part, target); break;
            case WeightFormat.InterleavedQ4_K: InterleavedBytes.ReadQ4_K(weight, part, target); break;
            default:
                if (isWords)
                    InterleavedWords.ReadByTable(weight, part, target);
                else
                    InterleavedBytes.ReadByTable(weight, part, target);
                break;
        }
    }

    /// <summary>Asks for memory that will be read soon; a panel's columns lie one behind the other, in whatever order within.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* from, int bytes)
    {
        for (var at = 0; at < bytes; at += CacheLine)
            Sse.Prefetch1(from + at);
    }

    private static void ReadColumns<TFormat>(in ProductWeight weight, in PanelPart part, byte* target)
        where TFormat : IColumnFormat
    {
        if (weight.Layout.Instructions == ProductInstructions.Words256)
            ColumnWords.Read<TFormat>(weight, part, target);
        else
            ColumnBytes.Read<TFormat>(weight, part, target);
    }
}
