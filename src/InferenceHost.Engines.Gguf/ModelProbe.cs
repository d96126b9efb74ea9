using System.Globalization;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>
/// Tries a file in the calling process, which is meant to be thrown away: what native code does with a file that no validator foresaw shows here and not in a
/// worker that serves.
/// </summary>
public static class ModelProbe
{
    private const int Steps = 4;

    // Of a whole core beside a busy one this leaves a tenth.
    private const int Niceness = 10;

    /// <summary>Lowers the priority of the calling process, so that streams beside it are not held up. Threads that it starts later are as low.</summary>
    public static void GiveWay()
    {
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            // A thread that has ended meanwhile needs none.
            if (int.TryParse(Path.GetFileName(thread), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                _ = LibC.setpriority(which: 0, id, Niceness);
        }
    }

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
            // The model is there a second time: mapped, not copied, and with a single thread, as two would wait for each other beside a busy engine.
            Threads = 1,
            InterleavedKernels = false,
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
            // Numbers that overflow on the way may come out as zeros.
            if (!logits.ContainsAnyExcept(logits[0]))
                throw new EngineException($"the model was loaded but computes the same value for every token at token {position}");
            token = IndexOfMax(logits);
        }
    }
}
