using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Tests;

/// <summary>Decodes several sequences together, greedily, each with its own adapter slot.</summary>
internal static class GreedyRun
{
    /// <summary>Prefills all prompts in as few calls as the batch size allows, then decodes them in step; returns the tokens per prompt.</summary>
    public static int[][] Together(IEngine engine, IReadOnlyList<int[]> prompts, int steps, IReadOnlyList<int>? slots = null)
    {
        var batch = new StepBatch(engine.Capabilities.MaxBatchTokens);
        var produced = prompts.Select(_ => new List<int>()).ToArray();
        var outputs = new List<(int Row, int Output)>();
        for (var row = 0; row < prompts.Count; row++)
            for (var at = 0; at < prompts[row].Length; at++)
            {
                var last = at == prompts[row].Length - 1;
                if (batch.Count == batch.Capacity)
                    Flush();
                if (last)
                    outputs.Add((row, batch.AddOutput(prompts[row][at], at, new EngineSequence(row), slots?[row] ?? 0, 1)));
                else
                    batch.Add(prompts[row][at], at, new EngineSequence(row), slots?[row] ?? 0, 1);
            }
        Flush();
        for (var step = 1; step < steps; step++)
        {
            for (var row = 0; row < prompts.Count; row++)
                outputs.Add((row, batch.AddOutput(produced[row][^1], prompts[row].Length + step - 1, new EngineSequence(row), slots?[row] ?? 0, 1)));
            Flush();
        }
        for (var row = 0; row < prompts.Count; row++)
            engine.Clear(new EngineSequence(row));
        return [.. produced.Select(tokens => tokens.ToArray())];

        void Flush()
        {
            Assert.Equal(ExecutionStatus.Completed, engine.Execute(batch));
            foreach (var (row, output) in outputs)
                produced[row].Add(ArgMax(engine.Logits(output)));
            outputs.Clear();
            batch.Clear();
        }
    }

    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best])
                best = i;
        return best;
    }
}
