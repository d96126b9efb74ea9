using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>What the self-tests at load share: a batch computed in an empty memory that is empty again afterwards, and how far two rows of logits are apart.</summary>
internal static class SelfTestLogits
{
    /// <summary>Logits of all outputs; null where the batch could not be computed.</summary>
    public static float[][]? Decode(Decoder decoder, StepBatch batch)
    {
        LibLlama.llama_memory_clear(decoder.Memory, data: false);
        var logits = decoder.Decode(batch) == DecodeResult.Success ? Enumerable.Range(0, batch.OutputCount).Select(i => decoder.Logits(i).ToArray()).ToArray() : null;
        decoder.Invalidate();
        LibLlama.llama_memory_clear(decoder.Memory, data: false);
        return logits;
    }

    /// <summary>Euclidean distance relative to the length of <paramref name="expected"/>.</summary>
    public static double Distance(float[] actual, float[] expected)
    {
        double difference = 0, size = 0;
        for (var i = 0; i < actual.Length; i++)
        {
            difference += (actual[i] - (double)expected[i]) * (actual[i] - (double)expected[i]);
            size += expected[i] * (double)expected[i];
        }
        return Math.Sqrt(difference / Math.Max(size, 1e-12));
    }
}
