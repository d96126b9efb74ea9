using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>Engines with the adapters of a reference in their slots, and what they must give.</summary>
internal static class RoutedEngines
{
    public static GgufEngine Load(Reference reference, Func<GgufEngineOptions, GgufEngineOptions>? change = null)
    {
        var options = TestEngines.Options(reference.ModelPath) with { AdapterSlots = 4 };
        var engine = GgufEngine.Load(change?.Invoke(options) ?? options, null, TestContext.Current.CancellationToken);
        for (var slot = 1; slot <= reference.Adapters.Length; slot++)
        {
            // Slots keep what they need: the owner may let go at once.
            using var adapter = engine.PrepareAdapter(reference.Adapters[slot - 1].Path, TestContext.Current.CancellationToken);
            Install(engine, slot, adapter);
        }
        return engine;
    }

    public static void Install(GgufEngine engine, int slot, PreparedAdapter adapter)
    {
        while (!engine.InstallAdapter(slot, adapter)) ;
    }

    /// <summary>All prompts under base and all adapters in one batch, prompt by prompt base, a, b, c, base, …: rows of one adapter are never neighbours.</summary>
    public static void AssertInterleaved(GgufEngine engine, Reference reference)
    {
        var prompts = new List<int[]>();
        var slots = new List<int>();
        var expected = new List<ReferenceStep[]>();
        for (var prompt = 0; prompt < reference.Prompts.Length; prompt++)
            for (var slot = 0; slot <= reference.Adapters.Length; slot++)
            {
                prompts.Add(reference.Prompts[prompt]);
                slots.Add(slot);
                expected.Add(slot == 0 ? reference.Base[prompt] : reference.Adapters[slot - 1].Outputs[prompt]);
            }
        Compare(expected, GreedyRun.Together(engine, prompts, expected.Max(output => output.Length), slots));
    }

    public static void Compare(IReadOnlyList<ReferenceStep[]> expected, int[][] tokens)
    {
        for (var i = 0; i < expected.Count; i++)
            Assert.Equal(expected[i].Select(step => step.Id), tokens[i].Take(expected[i].Length));
    }
}
