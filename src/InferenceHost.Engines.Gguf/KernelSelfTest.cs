using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>
/// Compares our kernels with ggml's own on the loaded model, each alone: a prompt beside single rows of other sequences. A kernel stays on where the model has nodes
/// for it and logits agree.
/// </summary>
internal sealed class KernelSelfTest(IReadOnlyList<IKernelRewriter> kernels, Decoder decoder, int vocabularySize, GgufEngineOptions options)
{
    private const int PromptTokens = 16, MaxSequences = 4;

    // Relative difference of the logits. ggml sums values in half precision, which makes about a thousandth, and rounds rows for K formats otherwise than we do, which makes two or
    // three hundredths in small models; a kernel gone wrong makes more than a tenth.
    private const double Tolerance = 0.06;

    /// <summary>Switches off what does not pass.</summary>
    public void Run()
    {
        foreach (var kernel in kernels)
            kernel.IsOn = false;
        if (kernels.Count == 0 || Decode() is not { } expected)
            return;
        var passed = kernels.Where(k => Passes(k, expected)).ToList();
        foreach (var kernel in passed)
            kernel.IsOn = true;
    }

    private bool Passes(IKernelRewriter kernel, float[][] expected)
    {
        kernel.IsOn = true;
        var actual = Decode();
        var isUsed = kernel.Rewritten > 0;
        kernel.IsOn = false;
        return isUsed && actual is not null && Enumerable.Range(0, expected.Length).All(i => SelfTestLogits.Distance(actual[i], expected[i]) <= Tolerance);
    }

    // Logits behind the last token of each sequence.
    private float[][]? Decode()
    {
        var sequences = Math.Min(MaxSequences, options.MaxSequences);
        var prompt = Math.Min(PromptTokens, Math.Min(options.BatchTokens, options.ContextTokens) - sequences);
        var batch = new StepBatch(options.BatchTokens);
        for (var position = 0; position < prompt; position++)
            Add(batch, position, 0, position == prompt - 1);
        for (var sequence = 1; sequence < sequences; sequence++)
            Add(batch, 0, sequence, true);
        return batch.Count == 0 ? null : SelfTestLogits.Decode(decoder, batch);
    }

    private void Add(StepBatch batch, int position, int sequence, bool output)
    {
        var token = (int)(((sequence * 6151L) + (position * 52_711L) + 29) % vocabularySize);
        if (output)
            batch.AddOutput(token, position, new EngineSequence(sequence), 0, 1);
        else
            batch.Add(token, position, new EngineSequence(sequence), 0, 1);
    }
}
