using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Testing;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

public sealed class RoutedTokensTests
{
    public static TheoryData<string> Adapted => [.. Reference.Architectures.Where(architecture => architecture != "lfm2")];

    public static TheoryData<string, AdapterStorage, int> Variants
    {
        get
        {
            var data = new TheoryData<string, AdapterStorage, int>();
            foreach (var architecture in Reference.Architectures.Where(architecture => architecture != "lfm2"))
                foreach (var storage in Enum.GetValues<AdapterStorage>())
                    data.Add(architecture, storage, 0);
            foreach (var bits in new[] { 128, 256, 512 })
                data.Add("llama", AdapterStorage.Int8, bits);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void EveryAdapterAndTheBaseInOneBatchGiveTheirReferenceTokens(string architecture, AdapterStorage storage, int bits)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = RoutedEngines.Load(reference, options => options with { AdapterStorage = storage, KernelBits = bits });
        Assert.Null(engine.AdapterNote);
        Assert.Equal(AdapterMode.PerRow, engine.Capabilities.AdapterMode);
        RoutedEngines.AssertInterleaved(engine, reference);
    }

    [Theory]
    [MemberData(nameof(Adapted))]
    public void EveryAdapterAloneGivesItsReferenceTokens(string architecture)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = RoutedEngines.Load(reference);
        for (var slot = 1; slot <= reference.Adapters.Length; slot++)
            for (var prompt = 0; prompt < reference.Prompts.Length; prompt++)
            {
                var output = reference.Adapters[slot - 1].Outputs[prompt];
                RoutedEngines.Compare([output], GreedyRun.Together(engine, [reference.Prompts[prompt]], output.Length, [slot]));
            }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    [InlineData(true, 0)]
    public void DecodeRowsBesideAPromptThatGoesOnAreComputedWithRecurrentMemory(bool stacked, int slot)
    {
        var reference = Reference.Tiny("lfm2");
        using var engine = RoutedEngines.Load(reference, options => options with { StackedAdapters = stacked });
        using var folder = new TemporaryFolder();
        var weight = ModelHeader.Read(reference.ModelPath).Tensors.Last(tensor => tensor.Name.EndsWith(".ffn_gate.weight", StringComparison.Ordinal));
        var (a, b) = (new float[1, weight.Ne0], new float[weight.Ne1, 1]);
        for (var i = 0; i < weight.Ne0; i++)
            a[0, i] = 0.1f;
        for (var i = 0; i < weight.Ne1; i++)
            b[i, 0] = 0.5f;
        using (var adapter = engine.PrepareAdapter(folder.File("gate.gguf", TinyLora.Write("lfm2", 1, [(weight.Name, a, b)])), TestContext.Current.CancellationToken))
            RoutedEngines.Install(engine, 1, adapter);
        // The pattern is on from here.
        GreedyRun.Together(engine, [reference.Prompts[0]], 2, [1]);
        var expected = GreedyRun.Together(engine, [reference.Prompts[0]], 2, [slot])[0];
        const int Streams = 3, Chunk = 64;
        var batch = new StepBatch((Streams * reference.Prompts[0].Length) + Chunk);
        for (var stream = 0; stream < Streams; stream++)
            for (var at = 0; at < reference.Prompts[0].Length; at++)
                if (at == reference.Prompts[0].Length - 1)
                    batch.AddOutput(reference.Prompts[0][at], at, new EngineSequence(stream), slot, 1);
                else
                    batch.Add(reference.Prompts[0][at], at, new EngineSequence(stream), slot, 1);
        Assert.Equal(ExecutionStatus.Completed, engine.Execute(batch));
        // llama.cpp parts this call: a row of each sequence, then the rest of the chunk, which has no output.
        batch.Clear();
        for (var stream = 0; stream < Streams; stream++)
            batch.AddOutput(expected[0], reference.Prompts[0].Length, new EngineSequence(stream), slot, 1);
        for (var at = 0; at < Chunk; at++)
            batch.Add(reference.Prompts[1][at % reference.Prompts[1].Length], at, new EngineSequence(Streams), slot, 1);
        Assert.True(engine.Execute(batch) == ExecutionStatus.Completed, engine.LastFault);
        for (var stream = 0; stream < Streams; stream++)
            Assert.Equal(expected[1], GreedyRun.ArgMax(engine.Logits(stream)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void UntilOneIsUsedAndAfterManyStepsOfTheBaseModelAloneAdaptersRest(bool stacked)
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, options => options with { StackedAdapters = stacked, StackedRestAfter = TimeSpan.Zero });
        RoutedEngines.Compare([reference.Base[0]], GreedyRun.Together(engine, [reference.Prompts[0]], reference.Base[0].Length));
        Assert.True(engine.AdaptersRest);
        RoutedEngines.AssertInterleaved(engine, reference);
        Assert.False(engine.AdaptersRest);
        var before = GreedyRun.Together(engine, [reference.Prompts[0]], 300)[0];
        Assert.True(engine.AdaptersRest);
        Assert.Equal(before, GreedyRun.Together(engine, [reference.Prompts[0]], 300)[0]);
        using (var other = engine.PrepareAdapter(reference.Adapters[1].Path, TestContext.Current.CancellationToken))
            RoutedEngines.Install(engine, 4, other);
        var output = reference.Adapters[1].Outputs[2];
        RoutedEngines.Compare([output], GreedyRun.Together(engine, [reference.Prompts[2]], output.Length, [4]));
        Assert.False(engine.AdaptersRest);
        RoutedEngines.AssertInterleaved(engine, reference);
    }

    [Theory]
    [MemberData(nameof(Adapted))]
    public void GroupedThroughLlamaCppGivesTheSameTokens(string architecture)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = RoutedEngines.Load(reference, options => options with { AdapterRouting = AdapterRouting.Grouped });
        Assert.Equal(AdapterMode.Grouped, engine.Capabilities.AdapterMode);
        for (var slot = 0; slot <= reference.Adapters.Length; slot++)
        {
            var expected = slot == 0 ? reference.Base : reference.Adapters[slot - 1].Outputs;
            RoutedEngines.Compare(expected, GreedyRun.Together(engine, reference.Prompts, expected.Max(output => output.Length), [.. Enumerable.Repeat(slot, reference.Prompts.Length)]));
        }
        var mixed = new StepBatch(2);
        mixed.AddOutput(1, 0, new EngineSequence(0), 1, 1);
        mixed.AddOutput(1, 0, new EngineSequence(1), 2, 1);
        Assert.Equal(ExecutionStatus.InvalidBatch, engine.Execute(mixed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheDepartmentsMixedInOneBatchAgreeWithTheirReferences(bool stacked)
    {
        var reference = Reference.Departments();
        using var engine = RoutedEngines.Load(reference, options => options with { ModelPath = SharedData.DefaultModel, BatchTokens = 2048, ContextTokens = 8192, MaxSequences = 64, MaxOutputs = 2048, StackedAdapters = stacked });
        Assert.Null(engine.AdapterNote);
        var batch = new StepBatch(2048);
        var checks = new List<(ReferenceStep Step, int Output, string Where)>();
        var sequence = 0;
        for (var prompt = 0; prompt < reference.Prompts.Length; prompt++)
            for (var slot = 0; slot <= reference.Adapters.Length; slot++)
            {
                var steps = slot == 0 ? reference.Base[prompt] : reference.Adapters[slot - 1].Outputs[prompt];
                int[] tokens = [.. reference.Prompts[prompt], .. steps.Take(steps.Length - 1).Select(step => step.Id)];
                if (batch.Count + tokens.Length > batch.Capacity)
                    Flush();
                for (var at = 0; at < tokens.Length; at++)
                    if (at < reference.Prompts[prompt].Length - 1)
                        batch.Add(tokens[at], at, new EngineSequence(sequence), slot, 1);
                    else
                        checks.Add((steps[at - reference.Prompts[prompt].Length + 1], batch.AddOutput(tokens[at], at, new EngineSequence(sequence), slot, 1), $"prompt {prompt}, slot {slot}, position {at}"));
                sequence++;
            }
        Flush();

        void Flush()
        {
            Assert.Equal(ExecutionStatus.Completed, engine.Execute(batch));
            foreach (var (step, output, where) in checks)
                if (step.Gap >= 1)
                    Assert.True(step.Id == GreedyRun.ArgMax(engine.Logits(output)), where);
            Assert.Contains(checks, check => check.Step.Gap >= 1);
            checks.Clear();
            batch.Clear();
        }
    }

    [Fact]
    public void AHalfScaleLiesBetweenBaseAndAdapterAndNoneIsTheBase()
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference);
        var batch = new StepBatch(64);
        (int Slot, float Scale)[] rows = [(0, 1), (2, 0), (2, 0.5f), (2, 1)];
        var prompt = reference.Prompts[0];
        for (var row = 0; row < rows.Length; row++)
            for (var at = 0; at < 8; at++)
                if (at == 7)
                    batch.AddOutput(prompt[at], at, new EngineSequence(row), rows[row].Slot, rows[row].Scale);
                else
                    batch.Add(prompt[at], at, new EngineSequence(row), rows[row].Slot, rows[row].Scale);
        Assert.Equal(ExecutionStatus.Completed, engine.Execute(batch));
        double Distance(int a, int b) => Math.Sqrt(Enumerable.Range(0, engine.Capabilities.VocabularySize).Sum(i => Math.Pow(engine.Logits(a)[i] - engine.Logits(b)[i], 2)));
        Assert.True(engine.Logits(0).SequenceEqual(engine.Logits(1)));
        Assert.InRange(Distance(0, 2), 0.1 * Distance(0, 3), 0.9 * Distance(0, 3));
    }

    [Fact]
    public void RoutingLeavesBaseRowsBitForBitAlone()
    {
        var reference = Reference.Tiny("qwen3");
        using var routed = RoutedEngines.Load(reference);
        using var plain = TestEngines.Load(reference.ModelPath);
        Assert.True(Logits(plain).AsSpan().SequenceEqual(Logits(routed)));

        float[] Logits(GgufEngine engine)
        {
            var batch = new StepBatch(64);
            for (var at = 0; at < reference.Prompts[0].Length - 1; at++)
                batch.Add(reference.Prompts[0][at], at, new EngineSequence(0), 0, 1);
            batch.AddOutput(reference.Prompts[0][^1], reference.Prompts[0].Length - 1, new EngineSequence(0), 0, 1);
            Assert.Equal(ExecutionStatus.Completed, engine.Execute(batch));
            return engine.Logits(0).ToArray();
        }
    }
}
