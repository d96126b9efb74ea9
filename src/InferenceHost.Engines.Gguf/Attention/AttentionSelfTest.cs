using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Compares the kernel with ggml's attention on the loaded model: a prompt beside single rows of other sequences, computed both ways.</summary>
internal sealed class AttentionSelfTest(AttentionRewriter rewriter, Decoder decoder, int vocabularySize, GgufEngineOptions options)
{
    private const int PromptTokens = 16, MaxSequences = 4;

    // Relative difference of the logits. ggml sums values in half precision, which alone makes about a thousandth; attention done wrong makes more than a tenth.
    private const double Tolerance = 0.03;

    /// <summary>Whether the model has nodes for the kernel and logits agree.</summary>
    public bool Passes()
    {
        rewriter.IsOn = false;
        if (Decode() is not { } expected)
            return false;
        rewriter.IsOn = true;
        return Decode() is { } actual && rewriter.Rewritten > 0 && Enumerable.Range(0, expected.Length).All(i => SelfTestLogits.Distance(actual[i], expected[i]) <= Tolerance);
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
