using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// The inner loop of a product with VPMADDWD, eight columns a vector. Three rows by two vectors fill the sixteen registers of AVX2: sums of the block and of all blocks,
/// the weights, the inputs and a product.
/// </summary>
internal static class WordRoutine
{
    private const int Halves = 2, HalfBytes = ProductLayout.VectorBytes / Halves, FirstSum = 6;

    private static readonly AssemblerRegisterYMM[] s_ymm = [ymm0, ymm1, ymm2, ymm3, ymm4, ymm5, ymm6, ymm7, ymm8, ymm9, ymm10, ymm11];
    private static readonly AssemblerRegisterYMM[] s_weights = [ymm12, ymm13];
    private static readonly AssemblerRegisterYMM s_inputs = ymm14, s_product = ymm15;

    /// <summary>System V calling convention: rdi panel, rsi tile, rdx out, rcx blocks, r8 bytes between rows, r9 whether out holds sums to add to. Only registers that belong to the callee.</summary>
    public static Assembler Assemble(ProductLayout layout, int rows)
    {
        var code = new Assembler(64);
        var nextBlock = code.CreateLabel();
        for (var at = 0; at < rows * Halves; at++)
            code.vpxor(s_ymm[at], s_ymm[at], s_ymm[at]);
        code.test(r9, r9);
        code.jz(nextBlock);
        code.mov(rax, rdx);
        for (var at = 0; at < rows * Halves; at++)
        {
            code.vmovups(s_ymm[at], __ymmword_ptr[rax + (at % Halves * HalfBytes)]);
            if (at % Halves == Halves - 1)
                code.add(rax, r8);
        }
        code.Label(ref nextBlock);
        for (var inputs = 0; inputs < layout.BlockInputs; inputs += layout.InputsPerLane)
            MultiplyLane(code, layout, rows, inputs);
        AddBlock(code, layout, rows);
        code.add(rdi, layout.PanelBlockBytes);
        code.add(rsi, rows * layout.ActivationBlockBytes);
        code.dec(rcx);
        code.jnz(nextBlock);
        for (var row = 0; row < rows; row++)
        {
            for (var half = 0; half < Halves; half++)
                code.vmovups(__ymmword_ptr[rdx + (half * HalfBytes)], s_ymm[(row * Halves) + half]);
            code.add(rdx, r8);
        }
        code.vzeroupper();
        code.ret();
        return code;
    }

    // Two inputs of each row times two quants of each column.
    private static void MultiplyLane(Assembler code, ProductLayout layout, int rows, int inputs)
    {
        var quants = layout.HeaderBytes + (inputs * layout.QuantBytes * ProductLayout.PanelColumns);
        for (var half = 0; half < Halves; half++)
            code.vmovdqu(s_weights[half], __ymmword_ptr[rdi + (quants + (half * HalfBytes))]);
        for (var row = 0; row < rows; row++)
        {
            code.vpbroadcastd(s_inputs, __dword_ptr[rsi + ((row * layout.ActivationBlockBytes) + (inputs * layout.QuantBytes))]);
            for (var half = 0; half < Halves; half++)
            {
                var sum = s_ymm[FirstSum + (row * Halves) + half];
                if (inputs == 0)
                {
                    code.vpmaddwd(sum, s_inputs, s_weights[half]);
                    continue;
                }
                var product = half == 0 ? s_product : s_inputs;
                code.vpmaddwd(product, s_inputs, s_weights[half]);
                code.vpaddd(sum, sum, product);
            }
        }
    }

    // In the order of ByteRoutine, so that results are the same bit for bit.
    private static void AddBlock(Assembler code, ProductLayout layout, int rows)
    {
        for (var row = 0; row < rows; row++)
        {
            var activation = row * layout.ActivationBlockBytes;
            code.vbroadcastss(s_inputs, __dword_ptr[rsi + (activation + layout.ScaleAt)]);
            for (var half = 0; half < Halves; half++)
            {
                var (all, sum) = (s_ymm[(row * Halves) + half], s_ymm[FirstSum + (row * Halves) + half]);
                code.vcvtdq2ps(sum, sum);
                code.vmulps(s_product, s_inputs, __ymmword_ptr[rdi + (half * HalfBytes)]);
                code.vfmadd231ps(all, sum, s_product);
            }
            if (!layout.HasOffsets)
                continue;
            code.vbroadcastss(s_inputs, __dword_ptr[rsi + (activation + layout.ScaledSumAt)]);
            for (var half = 0; half < Halves; half++)
                code.vfmadd231ps(s_ymm[(row * Halves) + half], s_inputs, __ymmword_ptr[rdi + (ProductLayout.VectorBytes + (half * HalfBytes))]);
        }
    }
}
