using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>The inner loop of a product with VPDPBUSD, for which .NET 10 has no intrinsic: quants without sign times signed inputs, sixteen columns a vector.</summary>
internal static class ByteRoutine
{
    private const int FirstSum = 12, Weights = 24, Scales = 25, FirstFactor = 26, Factors = 6;

    private static readonly AssemblerRegisterZMM[] s_zmm =
    [
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15,
        zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
    ];

    /// <summary>System V calling convention: rdi panel, rsi tile, rdx out, rcx blocks, r8 bytes between rows, r9 whether out holds sums to add to. Only registers that belong to the callee.</summary>
    public static Assembler Assemble(ProductLayout layout, int rows)
    {
        var code = new Assembler(64);
        var nextBlock = code.CreateLabel();
        for (var row = 0; row < rows; row++)
            code.vpxord(s_zmm[row], s_zmm[row], s_zmm[row]);
        code.test(r9, r9);
        code.jz(nextBlock);
        code.mov(rax, rdx);
        for (var row = 0; row < rows; row++)
        {
            code.vmovups(s_zmm[row], __zmmword_ptr[rax]);
            code.add(rax, r8);
        }
        code.Label(ref nextBlock);
        for (var row = 0; row < rows; row++)
            code.vpbroadcastd(s_zmm[FirstSum + row], __dword_ptr[rsi + Activation(row, layout.SumAt)]);
        for (var inputs = 0; inputs < layout.BlockInputs; inputs += layout.InputsPerLane)
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
