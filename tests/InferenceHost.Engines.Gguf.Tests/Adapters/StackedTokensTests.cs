using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>Routing through stacks, the way of CUDA, computed by ggml's CPU backend.</summary>
public sealed class StackedTokensTests
{
    public static TheoryData<string, AdapterStorage> Variants
    {
        get
        {
            var data = new TheoryData<string, AdapterStorage>();
            foreach (var architecture in Reference.Architectures.Where(architecture => architecture != "lfm2"))
                foreach (var storage in Enum.GetValues<AdapterStorage>())
                    data.Add(architecture, storage);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void EveryAdapterAndTheBaseInOneBatchGiveTheirReferenceTokens(string architecture, AdapterStorage storage)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = RoutedEngines.Load(reference, options => Stacked(options) with { AdapterStorage = storage });
        Assert.Null(engine.AdapterNote);
        Assert.Equal(AdapterMode.PerRow, engine.Capabilities.AdapterMode);
        RoutedEngines.AssertInterleaved(engine, reference);
        // Again: a second prefill and decode find graphs that are rewritten already.
        RoutedEngines.AssertInterleaved(engine, reference);
    }

    [Fact]
    public void SlotsThatChangeBetweenStepsOfOneGraphGiveTheirReferenceTokens()
    {
        var reference = Reference.Tiny("qwen3");
        using var engine = RoutedEngines.Load(reference, Stacked);
        // Steps of one shape: base only, adapter 1, mixed, base only, and slot 1 with each adapter in turn. llama.cpp uses its graph again each time.
        foreach (var slots in new int[][] { [0, 0], [1, 1], [0, 2], [3, 1], [0, 0], [2, 0] })
            AssertTokens(engine, reference, slots, slots);
        foreach (var adapter in new[] { 2, 3, 1 })
        {
            using (var prepared = engine.PrepareAdapter(reference.Adapters[adapter - 1].Path, TestContext.Current.CancellationToken))
                RoutedEngines.Install(engine, 1, prepared);
            AssertTokens(engine, reference, [1, 0], [adapter, 0]);
        }
    }

    [Fact]
    public void AReplacedAdapterLeavesNothingBehindInModulesThatTheNextOneLacks()
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, Stacked);
        // Of other ranks and modules each.
        foreach (var adapter in new[] { 3, 1, 2, 3, 2, 1 })
        {
            using (var prepared = engine.PrepareAdapter(reference.Adapters[adapter - 1].Path, TestContext.Current.CancellationToken))
                RoutedEngines.Install(engine, 4, prepared);
            AssertTokens(engine, reference, [4, 0], [adapter, 0]);
            engine.ClearAdapter(4);
        }
    }

    [Theory]
    [InlineData(AdapterStorage.Int8)]
    [InlineData(AdapterStorage.F16)]
    public void ScalesOfRowsActEachForItself(AdapterStorage storage)
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, options => Stacked(options) with { AdapterStorage = storage });
        using var fused = RoutedEngines.Load(reference, options => options with { AdapterStorage = AdapterStorage.F16 });
        (int Slot, float Scale)[] rows = [(0, 1), (2, 0), (2, 0.5f), (2, 1), (1, -0.5f), (1, 1), (2, 2)];
        // The same shape with factors, without, and with them again.
        var scaled = Logits(engine, reference, rows);
        var plain = Logits(engine, reference, [.. rows.Select(row => (row.Slot, row.Scale == 0 ? 0 : 1f))]);
        var again = Logits(engine, reference, rows);
        var expected = Logits(fused, reference, rows);
        Assert.True(scaled[0].AsSpan().SequenceEqual(scaled[1]));
        for (var row = 0; row < rows.Length; row++)
        {
            Assert.True(scaled[row].AsSpan().SequenceEqual(again[row]));
            Assert.InRange(SelfTestLogits.Distance(scaled[row], expected[row]), 0, 0.02);
            if (rows[row].Scale is not (0 or 1))
                Assert.True(SelfTestLogits.Distance(scaled[row], plain[row]) > 0.05, $"row {row}");
        }
    }

    [Fact]
    public void BaseOnlyBatchesAreTheBaseModelBitForBit()
    {
        var reference = Reference.Tiny("qwen3");
        using var engine = RoutedEngines.Load(reference, Stacked);
        using var plain = GgufEngine.Load(TestEngines.Options(reference.ModelPath) with { OwnAttention = false, OwnProducts = false }, null, TestContext.Current.CancellationToken);
        (int Slot, float Scale)[] rows = [(0, 1), (0, 1)];
        var expected = Logits(plain, reference, rows);
        for (var turn = 0; turn < 2; turn++)
        {
            var actual = Logits(engine, reference, rows);
            Assert.True(expected[0].AsSpan().SequenceEqual(actual[0]));
            Assert.True(expected[1].AsSpan().SequenceEqual(actual[1]));
            // Between them, the same shape with adapters.
            Logits(engine, reference, [(1, 1), (2, 1)]);
        }
    }

    [Fact]
    public void ARankBeyondTheLimitIsRefusedByName()
    {
        using var folder = new TemporaryFolder();
        var reference = Reference.Tiny("llama");
        var path = folder.File("wide.gguf", TinyLora.OfRank(reference, 65));
        using var engine = RoutedEngines.Load(reference, Stacked);
        var refused = Assert.Throws<EngineException>(() => engine.PrepareAdapter(path, TestContext.Current.CancellationToken));
        foreach (var part in new[] { "wide.gguf", "rank 65", "up to 64" })
            Assert.Contains(part, refused.Message, StringComparison.Ordinal);
        using var wider = RoutedEngines.Load(reference, options => Stacked(options) with { AdapterRank = 65 });
        using var accepted = wider.PrepareAdapter(path, TestContext.Current.CancellationToken);
        Assert.Equal(65, accepted.Rank);
        RoutedEngines.AssertInterleaved(wider, reference);
        RoutedEngines.Install(wider, 4, accepted);
        using var fused = RoutedEngines.Load(reference);
        using (var same = fused.PrepareAdapter(path, TestContext.Current.CancellationToken))
            RoutedEngines.Install(fused, 4, same);
        (int Slot, float Scale)[] rows = [(0, 1), (4, 1)];
        var (actual, expected) = (Logits(wider, reference, rows), Logits(fused, reference, rows));
        Assert.InRange(SelfTestLogits.Distance(actual[1], expected[1]), 0, 0.02);
        Assert.True(SelfTestLogits.Distance(actual[1], actual[0]) > 0.1);
        // Beside it and without it the others are as they were.
        RoutedEngines.AssertInterleaved(wider, reference);
        wider.ClearAdapter(4);
        RoutedEngines.AssertInterleaved(wider, reference);
    }

    [Fact]
    public void ModelsThatReorderRowsAreServedOneAdapterACall()
    {
        var reference = Reference.Tiny("lfm2");
        using var engine = RoutedEngines.Load(reference, Stacked);
        Assert.Null(engine.AdapterNote);
        Assert.Equal(AdapterMode.Grouped, engine.Capabilities.AdapterMode);
        RoutedEngines.Compare(reference.Base, GreedyRun.Together(engine, reference.Prompts, reference.Base.Max(output => output.Length)));
    }

    [Fact]
    public void StacksThatDoNotFitIntoMemoryFallBackToGroupingWithTheBytes()
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, options => Stacked(options) with { AdapterSlots = 4096, AdapterRank = 4096, AdapterStorage = AdapterStorage.F16 });
        Assert.Contains("4096 adapters of rank 4096 need", engine.AdapterNote, StringComparison.Ordinal);
        AssertGrouped(engine.Capabilities.AdapterMode, engine, reference);
    }

    [Fact]
    public void OnADeviceAdaptersDoNotRestSoonAfterOneWasUsed()
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, options => Stacked(options) with { StackedRestAfter = TimeSpan.FromDays(1) });
        GreedyRun.Together(engine, [reference.Prompts[0]], 2);
        Assert.True(engine.AdaptersRest);
        GreedyRun.Together(engine, [reference.Prompts[0]], 2, [1]);
        GreedyRun.Together(engine, [reference.Prompts[0]], 300);
        Assert.False(engine.AdaptersRest);
    }

    [Fact]
    public void BatchesTooLargeForADeviceFallBackToGroupingWithTheNumber()
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, options => Stacked(options) with { BatchTokens = 8193, ContextTokens = 8448 });
        Assert.Contains("8193", engine.AdapterNote, StringComparison.Ordinal);
        AssertGrouped(engine.Capabilities.AdapterMode, engine, reference);
    }

    [Fact]
    public void AnAdapterThatIsCopiedInPartsServesWhenItIsWholeAndOthersMeanwhile()
    {
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, options => Stacked(options) with { AdapterCopyTime = TimeSpan.Zero });
        using var first = engine.PrepareAdapter(reference.Adapters[0].Path, TestContext.Current.CancellationToken);
        using var second = engine.PrepareAdapter(reference.Adapters[1].Path, TestContext.Current.CancellationToken);
        AssertTokens(engine, reference, [3, 2], [3, 2]);
        // Half of the first one, and then the second one in its stead, from the beginning.
        for (var part = 0; part < 3; part++)
            Assert.False(engine.InstallAdapter(3, first));
        var parts = 0;
        for (; !engine.InstallAdapter(3, second); parts++)
        {
            Assert.Equal(ExecutionStatus.InvalidBatch, engine.Execute(OneRow(reference, 3)));
            AssertTokens(engine, reference, [2, 0], [2, 0]);
        }
        Assert.True(parts > 3, $"{parts}");
        AssertTokens(engine, reference, [3, 1], [2, 1]);
        engine.ClearAdapter(3);
        Assert.Equal(ExecutionStatus.InvalidBatch, engine.Execute(OneRow(reference, 3)));
    }

    [Theory]
    [InlineData(AdapterStorage.Int8, 60_000f)]
    [InlineData(AdapterStorage.F16, 60_000f)]
    [InlineData(AdapterStorage.F16, 300f)]
    public void NumbersThatWouldBecomeInfiniteAreRefusedByName(AdapterStorage storage, float number)
    {
        using var folder = new TemporaryFolder();
        var reference = Reference.Tiny("llama");
        var weight = ModelHeader.Read(reference.ModelPath).Tensors.Single(tensor => tensor.Name == "blk.0.attn_q.weight");
        var (a, b) = (new float[1, weight.Ne0], new float[weight.Ne1, 1]);
        (a[0, 0], b[0, 0]) = (number, number);
        // Within a file each number is a number.
        var path = folder.File("loud.gguf", TinyLora.Write("llama", 999_999, [(weight.Name, a, b)]));
        using var engine = RoutedEngines.Load(reference, options => Stacked(options) with { AdapterStorage = storage });
        var refused = Assert.Throws<EngineException>(() => engine.PrepareAdapter(path, TestContext.Current.CancellationToken));
        foreach (var part in new[] { "loud.gguf", weight.Name, "999999 / 1" })
            Assert.Contains(part, refused.Message, StringComparison.Ordinal);
        RoutedEngines.AssertInterleaved(engine, reference);
    }

    [Fact]
    public void LogitsThatDisagreeInStepsOfOneRowSwitchRoutingOff()
    {
        NativeLibraries.Ensure();
        var reference = Reference.Tiny("llama");
        var options = Stacked(TestEngines.Options(reference.ModelPath)) with { AdapterSlots = 4 };
        var device = DeviceChoice.Pick(GgufDevice.Cpu, 1);
        using var model = ModelLoader.Load(options, device, null, TestContext.Current.CancellationToken);
        using var wrong = new ContextFactory(options, ModelHeader.Read(options.ModelPath), device, 1) { Observer = new Saboteur(rows: 1) }.Create(model, VocabularySize(reference));
        Assert.Contains("single rows differ from llama.cpp's", wrong.AdapterNote, StringComparison.Ordinal);
        Assert.IsType<GroupedAdapters>(wrong.Adapters);
    }

    [Fact]
    public void LogitsThatDisagreeSwitchRoutingOff()
    {
        NativeLibraries.Ensure();
        var reference = Reference.Tiny("llama");
        var options = Stacked(TestEngines.Options(reference.ModelPath)) with { AdapterSlots = 4 };
        var device = DeviceChoice.Pick(GgufDevice.Cpu, 1);
        using var model = ModelLoader.Load(options, device, null, TestContext.Current.CancellationToken);
        using var right = new ContextFactory(options, ModelHeader.Read(options.ModelPath), device, 1).Create(model, VocabularySize(reference));
        Assert.Null(right.AdapterNote);
        using var wrong = new ContextFactory(options, ModelHeader.Read(options.ModelPath), device, 1) { Observer = new Saboteur() }.Create(model, VocabularySize(reference));
        Assert.Contains("differ from llama.cpp's", wrong.AdapterNote, StringComparison.Ordinal);
        Assert.IsType<GroupedAdapters>(wrong.Adapters);
    }

    // As on a device, where kernels of ours do not run: graphs that are used again are not shown then.
    private static GgufEngineOptions Stacked(GgufEngineOptions options) => options with { StackedAdapters = true, OwnAttention = false, OwnProducts = false };

    private static int VocabularySize(Reference reference)
    {
        using var engine = TestEngines.Load(reference.ModelPath);
        return engine.Capabilities.VocabularySize;
    }

    private static void AssertGrouped(AdapterMode mode, GgufEngine engine, Reference reference)
    {
        Assert.Equal(AdapterMode.Grouped, mode);
        AssertTokens(engine, reference, [2, 2], [2, 2]);
    }

    // Prompts 0, 1, … with these slots, against the references of these adapters.
    private static void AssertTokens(GgufEngine engine, Reference reference, int[] slots, int[] adapters)
    {
        var expected = adapters.Select((adapter, prompt) => adapter == 0 ? reference.Base[prompt] : reference.Adapters[adapter - 1].Outputs[prompt]).ToArray();
        RoutedEngines.Compare(expected, GreedyRun.Together(engine, reference.Prompts[..slots.Length], expected.Max(output => output.Length), slots));
    }

    // Behind the eighth token of the first prompt, once per row.
    private static float[][] Logits(GgufEngine engine, Reference reference, (int Slot, float Scale)[] rows)
    {
        const int tokens = 8;
        var batch = new StepBatch(rows.Length * tokens);
        for (var row = 0; row < rows.Length; row++)
            for (var at = 0; at < tokens; at++)
                if (at == tokens - 1)
                    batch.AddOutput(reference.Prompts[0][at], at, new EngineSequence(row), rows[row].Slot, rows[row].Scale);
                else
                    batch.Add(reference.Prompts[0][at], at, new EngineSequence(row), rows[row].Slot, rows[row].Scale);
        Assert.Equal(ExecutionStatus.Completed, engine.Execute(batch));
        var logits = Enumerable.Range(0, rows.Length).Select(row => engine.Logits(row).ToArray()).ToArray();
        for (var row = 0; row < rows.Length; row++)
            engine.Clear(new EngineSequence(row));
        return logits;
    }

    private static StepBatch OneRow(Reference reference, int slot)
    {
        var batch = new StepBatch(1);
        batch.AddOutput(reference.Prompts[0][0], 0, new EngineSequence(0), slot, 1);
        return batch;
    }

    /// <summary>Makes every product by id, or those of so many rows, multiply with slot 0 of its stack: no row gets its adapter.</summary>
    private sealed unsafe class Saboteur(int rows = 0) : INodeVisitor
    {
        private readonly int _byId = GgmlOps.TryRead()!.MultiplyMatricesById;

        public void Visit(ggml_tensor* node)
        {
            if (node->op == _byId && (rows == 0 || ((ggml_tensor*)node->src[2])->ne[1] == rows))
                new Span<int>(((ggml_tensor*)node->src[2])->data, (int)((ggml_tensor*)node->src[2])->ne[1]).Clear();
        }
    }
}
