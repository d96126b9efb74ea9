using System.Runtime.InteropServices;
using Iced.Intel;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>The inner loops of matrix products as machine code, made when first asked for: one routine per layout and number of rows.</summary>
internal static unsafe class ProductCode
{
    private const int Alignment = 64;

    // Room for the most rows that any layout has; number 0 stays empty.
    private static readonly int PerLayout = 1 + Math.Max(ProductLayout.MostRows(ProductInstructions.Bytes512), ProductLayout.MostRows(ProductInstructions.Words256));

    private static readonly Lazy<nint> s_bytes = new(() => Create(ProductInstructions.Bytes512));
    private static readonly Lazy<nint> s_words = new(() => Create(ProductInstructions.Words256));

    /// <summary>Whether there are routines that this processor, of which <see cref="ProductInstructionSets"/> knows, may run: not where the system refuses executable memory.</summary>
    public static bool IsAvailable(ProductInstructions instructions) => instructions != ProductInstructions.None && Table(instructions) != 0;

    /// <summary>
    /// Routines of a layout by their number of rows, 1..<see cref="ProductLayout.MaxRows"/>: (panel, tile, out, blocks, bytes between the rows of out,
    /// whether to add to what is there). They write sixteen floats per row.
    /// </summary>
    public static delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, float*, nint, nint, nint, void>* Routines(ProductLayout layout) =>
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, float*, nint, nint, nint, void>*)Table(layout.Instructions) + (layout.Number * PerLayout);

    private static nint Table(ProductInstructions instructions) => instructions == ProductInstructions.Bytes512 ? s_bytes.Value : s_words.Value;

    private static nint Create(ProductInstructions instructions)
    {
        using var code = new MemoryStream();
        var starts = new int[ProductLayout.Kinds * PerLayout];
        for (var number = 0; number < ProductLayout.Kinds; number++)
        {
            var layout = ProductLayout.Of(number);
            for (var rows = 1; layout.Instructions == instructions && rows <= layout.MaxRows; rows++)
            {
                code.SetLength((code.Length + Alignment - 1) / Alignment * Alignment);
                code.Position = starts[(number * PerLayout) + rows] = (int)code.Length;
                Assemble(layout, rows).Assemble(new StreamCodeWriter(code), 0);
            }
        }
        // Lives as long as the process.
        if (ExecutableMemory.TryCreate(code.GetBuffer().AsSpan(0, (int)code.Length)) is not { } memory)
            return 0;
        var table = (nint*)NativeMemory.Alloc((nuint)starts.Length, (nuint)sizeof(nint));
        for (var at = 0; at < starts.Length; at++)
            table[at] = (nint)memory.Start + starts[at];
        return (nint)table;
    }

    private static Assembler Assemble(ProductLayout layout, int rows) =>
        layout.Instructions == ProductInstructions.Bytes512 ? ByteRoutine.Assemble(layout, rows) : WordRoutine.Assemble(layout, rows);
}
