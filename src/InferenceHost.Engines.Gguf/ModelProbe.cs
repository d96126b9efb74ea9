using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf;

/// <summary>
/// Tries a file in the calling process, which is meant to be thrown away: what native code does with a file that no validator foresaw shows here and not in a
/// worker that serves.
/// </summary>
public static class ModelProbe
{
    private const int Steps = 4;

    /// <summary>
    /// Loads a model on the CPU, and an adapter into slot 1 where one is given, and decodes a few tokens. Throws <see cref="EngineException"/> where something is
    /// wrong with either.
    /// </summary>
    public static void Run(string modelPath, string? adapterPath = null, CancellationToken cancellation = default)
    {
        var options = new GgufEngineOptions
        {
            ModelPath = modelPath,
            Device = GgufDevice.Cpu,
            ContextTokens = 256,
            MaxSequences = 8,
            BatchTokens = 32,
            AdapterSlots = adapterPath is null ? 0 : 1,
            WarmUp = false,
        };
        using var engine = GgufEngine.Load(options, null, cancellation);
        using var adapter = adapterPath is null ? null : engine.PrepareAdapter(adapterPath, cancellation);
        if (adapter is not null)
            while (!engine.InstallAdapter(1, adapter)) ;
        Decode(engine, adapter is null ? 0 : 1);
    }

    private static int IndexOfMax(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var id = 1; id < logits.Length; id++)
            if (logits[id] > logits[best])
                best = id;
        return best;
    }

    private static void Decode(GgufEngine engine, int slot)
    {
        var batch = new StepBatch(1);
        var token = engine.GgufVocabulary.BosId ?? 0;
        for (var position = 0; position < Steps; position++)
        {
            batch.Clear();
            batch.AddOutput(token, position, new EngineSequence(0), slot, adapterScale: 1);
            var status = engine.Execute(batch);
            if (status != ExecutionStatus.Completed)
                throw new EngineException($"the model was loaded but token {position} failed: {status}");
            var logits = engine.Logits(0);
            // A model may rule tokens out with -infinity; anything else that is not finite is a broken file.
            if (logits.ContainsAnyExceptInRange(float.NegativeInfinity, float.MaxValue))
                throw new EngineException($"the model was loaded but computes values that are not finite at token {position}");
            token = IndexOfMax(logits);
        }
    }
}
