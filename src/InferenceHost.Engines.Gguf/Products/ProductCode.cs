using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using InferenceHost.Engines.Gguf.Interop;
using static Iced.Intel.AssemblerRegisters;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// The inner loop of a matrix product, as machine code made at start: .NET has no intrinsics for AVX-512 VNNI (VPDPBUSD, four byte products added to an int per
/// lane; Intel SDM volume 2). One routine per layout and number of rows.
/// </summary>
internal static unsafe class ProductCode
{
    private const int FirstSum = ProductLayout.MaxRows, Weights = 24, Scales = 25, FirstFactor = 26, Factors = 6;
    private const int Alignment = 64, PerLayout = ProductLayout.MaxRows + 1;

    private static readonly Lazy<nint> s_table = new(Create);
    private static readonly ProductLayout[] s_layouts = [ProductLayout.Scaled, ProductLayout.Offset, ProductLayout.Narrow];

    private static readonly AssemblerRegisterZMM[] s_zmm =
    [
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15,
        zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
    ];

    /// <summary>Whether there are routines: not where the processor lacks the instructions or the system refuses executable memory.</summary>
    public static bool IsAvailable => s_table.Value != 0;

    /// <summary>
    /// Routines of a layout by their number of rows, 1..<see cref="ProductLayout.MaxRows"/>: (panel, tile, out, blocks, bytes between the rows of out). They write
    /// sixteen floats per row.
    /// </summary>
    public static delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, float*, nint, nint, void>* Routines(ProductLayout layout) =>
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, float*, nint, nint, void>*)s_table.Value + (layout.Number * PerLayout);

    // Leaf 7, ECX bit 11 = AVX512_VNNI; .NET has looked whether the system keeps the wide registers.
    private static bool IsSupported =>
        OperatingSystem.IsLinux() && Environment.Is64BitProcess && Avx512BW.IsSupported && X86Base.IsSupported && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0;

    private static nint Create()
    {
        if (!IsSupported)
            return 0;
        using var code = new MemoryStream();
        var starts = new int[s_layouts.Length * PerLayout];
        for (var at = 0; at < starts.Length; at++)
        {
            if (at % PerLayout == 0)
                continue;
            code.SetLength((code.Length + Alignment - 1) / Alignment * Alignment);
            code.Position = starts[at] = (int)code.Length;
            Assemble(s_layouts[at / PerLayout], at % PerLayout).Assemble(new StreamCodeWriter(code), 0);
        }
        // Lives as long as the process.
        if (ExecutableMemory.TryCreate(code.GetBuffer().AsSpan(0, (int)code.Length)) is not { } memory)
            return 0;
        var table = (nint*)NativeMemory.Alloc((nuint)starts.Length, (nuint)sizeof(nint));
        for (var at = 0; at < starts.Length; at++)
            table[at] = (nint)memory.Start + starts[at];
        return (nint)table;
    }

    // System V calling convention: rdi panel, rsi tile, rdx out, rcx blocks, r8 bytes between rows. Only registers that belong to the callee.
    private static Assembler Assemble(ProductLayout layout, int rows)
    {
        var code = new Assembler(64);
        var nextBlock = code.CreateLabel();
        for (var row = 0; row < rows; row++)
            code.vpxord(s_zmm[row], s_zmm[row], s_zmm[row]);
        code.Label(ref nextBlock);
        for (var row = 0; row < rows; row++)
            code.vpbroadcastd(s_zmm[FirstSum + row], __dword_ptr[rsi + Activation(row, layout.SumAt)]);
        for (var inputs = 0; inputs < layout.BlockInputs; inputs += ProductLayout.InputsPerLane)
        {
            code.vmovdqu32(s_zmm[Weights], __zmmword_ptr[rdi + (layout.HeaderBytes + (inputs * ProductLayout.PanelColumns))]);
            for (var row = 0; row < rows; row++)
                code.vpdpbusd(s_zmm[FirstSum + row], s_zmm[Weights], __dword_bcst[rsi + Activation(row, inputs)]);
        }
        code.vmovups(s_zmm[Scales], __zmmword_ptr[rdi]);
        for (var row = 0; row < rows; row++)
        {
            var factor = s_zmm[FirstFactor + (row % Factors)];
            code.vcvtdq2ps(s_zmm[FirstSum + row], s_zmm[FirstSum + row]);
            code.vmulps(factor, s_zmm[Scales], __dword_bcst[rsi + Activation(row, layout.ScaleAt)]);
            code.vfmadd231ps(s_zmm[row], s_zmm[FirstSum + row], factor);
        }
        if (layout.HasOffsets)
        {
            code.vmovups(s_zmm[Scales], __zmmword_ptr[rdi + ProductLayout.VectorBytes]);
            for (var row = 0; row < rows; row++)
                code.vfmadd231ps(s_zmm[row], s_zmm[Scales], __dword_bcst[rsi + Activation(row, layout.ScaledSumAt)]);
        }
        code.add(rdi, layout.PanelBlockBytes);
        code.add(rsi, rows * layout.ActivationBlockBytes);
        code.dec(rcx);
        code.jnz(nextBlock);
        for (var row = 0; row < rows; row++)
        {
            code.vmovups(__zmmword_ptr[rdx], s_zmm[row]);
            code.add(rdx, r8);
        }
        code.vzeroupper();
        code.ret();
        return code;

        int Activation(int row, int at) => (row * layout.ActivationBlockBytes) + at;
    }
}
