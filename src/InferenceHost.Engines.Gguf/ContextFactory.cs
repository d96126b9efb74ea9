using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Engines.Gguf.Attention;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf;

/// <summary>Makes the context of a loaded model: with routed adapters where the self-test passes, else with grouped ones or none.</summary>
internal sealed class ContextFactory(GgufEngineOptions options, ModelHeader header, DeviceChoice device, int threads)
{
    // ggml's CUDA backend sorts the rows of a product by id in a block's shared memory, four bytes a row, and aborts where that is too small.
    private const int MostStackedRows = 8192;

    private readonly GgmlOps? _ops = GgmlOps.TryRead();

    /// <summary>Sees graphs behind our rewriters; for tests.</summary>
    public INodeVisitor? Observer { get; init; }

    /// <summary>Rows of a call whose logits can be asked for; llama.cpp keeps room for one per sequence in any case.</summary>
    public static int OutputLimit(GgufEngineOptions options) => Math.Max(options.MaxSequences, options.MaxOutputs);

    /// <summary>Recurrent and hybrid memory: rows are computed in another order, and a sequence cannot be trimmed.</summary>
    public static bool ReordersRows(LlamaModelHandle model) => LibLlama.llama_model_is_recurrent(model) || LibLlama.llama_model_is_hybrid(model);

    public EngineParts Create(LlamaModelHandle model, int vocabularySize)
    {
        string? note = null;
        if (options.AdapterSlots > 0 && options.AdapterRouting == AdapterRouting.Auto && TryRouted(model, vocabularySize, out note) is { } routed)
            return routed;
        var open = Open(model, null);
        IAdapterPath adapters = options.AdapterSlots > 0 ? new GroupedAdapters(model, open.Context, options.ModelPath, options.AdapterSlots) : new NoAdapters();
        var parts = new EngineParts(open, Decoder(open, vocabularySize), adapters) { AdapterNote = note };
        TestKernels(parts, vocabularySize);
        return parts;
    }

    private EngineParts? TryRouted(LlamaModelHandle model, int vocabularySize, out string? note)
    {
        note = null;
        if (options.BatchTokens < RoutingSelfTest.BatchTokens || options.MaxSequences < RoutingSelfTest.Sequences)
        {
            note = $"routing needs at least {RoutingSelfTest.BatchTokens} batch tokens and {RoutingSelfTest.Sequences} sequences for its self-test";
            return null;
        }
        // Our kernel runs on the CPU only; stacks are multiplied by ggml itself, wherever the weights are.
        var isStacked = device.IsCuda || options.StackedAdapters;
        if (isStacked && options.BatchTokens > MostStackedRows)
        {
            note = $"a batch of {options.BatchTokens} rows is too large for it; the most is {MostStackedRows}";
            return null;
        }
        if (_ops is null || AdapterRouter.TryCreate(_ops, options, header, threads, isStacked) is not { } router)
        {
            note = "the model has no matrices that adapters could change, or ggml's operations are not the known ones";
            return null;
        }
        EngineParts? parts = null;
        try
        {
            var open = Open(model, router);
            parts = new EngineParts(open, Decoder(open, vocabularySize), router);
            TestKernels(parts, vocabularySize);
            note = router.Activate(model, open.Context, parts.Decoder, vocabularySize, ReordersRows(model));
        }
        catch
        {
            Discard(parts, router);
            throw;
        }
        if (note is null)
            return parts;
        Discard(parts, router);
        return null;
    }

    private static void Discard(EngineParts? parts, AdapterRouter router)
    {
        if (parts is null)
            router.Dispose();
        else
            parts.Dispose();
    }

    private Decoder Decoder(OpenContext open, int vocabularySize) => new(open, options.BatchTokens, vocabularySize);

    private void TestKernels(EngineParts parts, int vocabularySize) => new KernelSelfTest(parts.Open.Kernels, parts.Decoder, vocabularySize, options).Run();

    private OpenContext Open(LlamaModelHandle model, AdapterRouter? router)
    {
        var parameters = Parameters();
        var attention = device.IsCuda || !options.OwnAttention || _ops is null ? null : new AttentionRewriter(_ops, threads, options.KernelBits);
        var products = device.IsCuda || !options.OwnProducts || _ops is null ? null : ProductRewriter.TryCreate(_ops, threads, options.KernelBits);
        INodeVisitor[] visitors = [.. new INodeVisitor?[] { attention, products, router?.Rewriter, Observer }.OfType<INodeVisitor>()];
        var hook = visitors.Length == 0 ? null : new GraphHook(visitors);
        hook?.Attach(ref parameters);
        try
        {
            var context = LlamaContextHandle.Create(model, parameters);
            var pool = GgmlThreadpoolHandle.TryCreate(threads);
            if (pool is not null)
                LibLlama.llama_attach_threadpool(context, pool, pool);
            return new OpenContext(context, pool, hook, attention, products);
        }
        catch
        {
            hook?.Dispose();
            attention?.Dispose();
            products?.Dispose();
            throw;
        }
    }

    private llama_context_params Parameters()
    {
        var parameters = LibLlama.llama_context_default_params();
        parameters.n_ctx = (uint)options.ContextTokens;
        // Equal sizes: one call is one micro-batch, so a failed call has no half.
        parameters.n_batch = parameters.n_ubatch = (uint)options.BatchTokens;
        parameters.n_seq_max = (uint)options.MaxSequences;
        parameters.n_outputs_max = (uint)OutputLimit(options);
        parameters.n_threads = parameters.n_threads_batch = threads;
        parameters.type_k = (int)ToGgml(options.KeyType);
        parameters.type_v = (int)ToGgml(options.ValueType);
        parameters.kv_unified = 1;
        parameters.swa_full = 1;
        parameters.offload_kqv = parameters.op_offload = device.IsCuda ? (byte)1 : (byte)0;
        return parameters;
    }

    private static ggml_type ToGgml(KvCacheType type) => type switch
    {
        KvCacheType.Q8_0 => ggml_type.Q8_0,
        KvCacheType.Q4_0 => ggml_type.Q4_0,
        _ => ggml_type.F16,
    };
}
