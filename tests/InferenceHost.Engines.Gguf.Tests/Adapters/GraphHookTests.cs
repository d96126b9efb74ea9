using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>When llama.cpp shows us the nodes of its graphs: each showing makes CUDA compare a graph node by node.</summary>
public sealed class GraphHookTests
{
    [Fact]
    public void NodesOfAGraphThatIsUsedAgainAreShownWhenTheyMayChangeAndNotElse()
    {
        using var run = new HookedRun(Reference.Tiny("llama"), ownKernels: false);
        // Nobody has used an adapter: a new graph, then the same.
        Assert.True(run.IsShown(0, 0));
        Assert.False(run.IsShown(0, 0));
        // Adapters come into use.
        Assert.True(run.IsShown(1, 0));
        Assert.False(run.IsShown(1, 0));
        Assert.False(run.IsShown(0, 2));
        Assert.False(run.IsShown(2, 1));
        // None in this step.
        Assert.True(run.IsShown(0, 0));
        Assert.False(run.IsShown(0, 0));
        Assert.True(run.IsShown(3, 0));
        Assert.False(run.IsShown(3, 0));
        // Another adapter in a slot, and one that goes.
        run.Install(3, 0);
        Assert.True(run.IsShown(3, 1));
        Assert.False(run.IsShown(3, 1));
        run.Clear(2);
        Assert.True(run.IsShown(3, 1));
        Assert.False(run.IsShown(3, 1));
    }

    [Fact]
    public void NodesForFactorsComeAndGoSeldom()
    {
        using var run = new HookedRun(Reference.Tiny("llama"), ownKernels: false);
        // The self-test had factors, and nodes for them stay for 1024 steps; a longer context is a new graph too, every 256 cells.
        Assert.InRange(Enumerable.Range(0, 1100).Count(_ => run.IsShown(3, 1)), 2, 12);
        Assert.False(run.IsShown(3, 1));
        Assert.True(run.IsShown(3, 1, 0.5f));
        Assert.False(run.IsShown(3, 1, 2));
        Assert.False(run.IsShown(3, 1));
    }

    [Fact]
    public void StacksAreReadAsWideAsTheInstalledAdaptersAre()
    {
        using var folder = new TemporaryFolder();
        var reference = Reference.Tiny("llama");
        using var run = new HookedRun(reference, ownKernels: false);
        run.IsShown(1, 2);
        Assert.Equal(32, run.Width);
        run.Install(4, folder.File("wide.gguf", TinyLora.OfRank(reference, 40)));
        // Whoever is in the batch: CUDA replays a graph as long as its nodes stay.
        run.IsShown(1, 2);
        Assert.Equal(64, run.Width);
        run.Clear(4);
        run.IsShown(1, 2);
        Assert.Equal(32, run.Width);
    }

    [Fact]
    public void ACallWithoutAGoodEndIsFollowedByOneThatIsSeen()
    {
        using var run = new HookedRun(Reference.Tiny("llama"), ownKernels: false);
        run.IsShown(1, 2);
        Assert.False(run.IsShown(1, 2));
        // The graph is built anew for one row, and the caller does not come to ask how it went.
        run.Decode(1);
        Assert.True(run.IsShown(1, 2));
        Assert.False(run.IsShown(1, 2));
        run.Decode(1, 2);
        run.Decode(1, 2);
        Assert.False(run.IsShown(1, 2));
    }

    [Fact]
    public void KernelsOfOursSeeEveryCall()
    {
        using var run = new HookedRun(Reference.Tiny("llama"), ownKernels: true);
        for (var step = 0; step < 3; step++)
            Assert.True(run.IsShown(1, 0));
    }

    [Fact]
    public void TheSchedulerIsFoundInThePinnedLibraries() => Assert.True(NativeLibraries.Ensure().ShowsScheduler);

    /// <summary>Two sequences on a context whose graphs are watched.</summary>
    private sealed class HookedRun : IDisposable
    {
        private readonly Watcher _watcher;
        private readonly Reference _reference;
        private readonly LlamaModelHandle _model;
        private readonly EngineParts _parts;
        private int _position;

        public HookedRun(Reference reference, bool ownKernels)
        {
            _reference = reference;
            NativeLibraries.Ensure();
            _watcher = new Watcher();
            var options = TestEngines.Options(reference.ModelPath) with { AdapterSlots = 4, StackedAdapters = true, OwnAttention = ownKernels, OwnProducts = ownKernels, ContextTokens = 4096 };
            var device = DeviceChoice.Pick(GgufDevice.Cpu, 1);
            _model = ModelLoader.Load(options, device, null, TestContext.Current.CancellationToken);
            _parts = new ContextFactory(options, ModelHeader.Read(options.ModelPath), device, 1) { Observer = _watcher }.Create(_model, new GgufVocabulary(_model).Size);
            Assert.Null(_parts.AdapterNote);
            for (var adapter = 0; adapter < reference.Adapters.Length; adapter++)
                Install(adapter + 1, adapter);
        }

        /// <summary>Rank that the nodes of the last graph read.</summary>
        public long Width => _watcher.Width;

        public void Install(int slot, int adapter) => Install(slot, _reference.Adapters[adapter].Path);

        public void Install(int slot, string path)
        {
            using var prepared = _parts.Adapters.Prepare(path, TestContext.Current.CancellationToken);
            while (!_parts.Adapters.Install(slot, prepared)) ;
        }

        public void Clear(int slot) => _parts.Adapters.Clear(slot);

        /// <summary>A token for each sequence, with these slots; whether llama.cpp showed nodes for it.</summary>
        public bool IsShown(int first, int second, float scale = 1)
        {
            _watcher.Nodes = 0;
            Decode([first, second], scale);
            Assert.Null(_parts.Adapters.AfterStep());
            return _watcher.Nodes > 0;
        }

        public void Decode(params int[] slots) => Decode(slots, 1);

        private void Decode(int[] slots, float scale)
        {
            var batch = new StepBatch(2);
            for (var sequence = 0; sequence < slots.Length; sequence++)
                batch.AddOutput(_reference.Prompts[0][0], _position, new EngineSequence(sequence), slots[sequence], scale);
            // A sequence that sat out would have a gap.
            if (slots.Length == 2)
                _position++;
            _parts.Adapters.BeforeStep(batch);
            Assert.Equal(DecodeResult.Success, _parts.Decoder.Decode(batch));
            if (slots.Length < 2)
                LibLlama.llama_memory_seq_rm(_parts.Decoder.Memory, 0, _position, -1);
        }

        public void Dispose()
        {
            _parts.Dispose();
            _model.Dispose();
        }
    }

    private sealed unsafe class Watcher : INodeVisitor
    {
        private readonly int _byId = GgmlOps.TryRead()!.MultiplyMatricesById;

        public int Nodes { get; set; }

        public long Width { get; private set; }

        public bool NeedsNodes => false;

        public void Visit(ggml_tensor* node)
        {
            Nodes++;
            // A comes before B, whose rows begin with the same number.
            if (node->op == _byId)
                Width = ((ggml_tensor*)node->src[0])->ne[0];
        }
    }
}
