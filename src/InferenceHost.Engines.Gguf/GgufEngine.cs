using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.Engines.Gguf.Tokenization;

namespace InferenceHost.Engines.Gguf;

/// <summary>One GGUF model on libllama. All members but <see cref="Vocabulary"/>, <see cref="Tokenizer"/> and PrepareAdapter belong to one thread.</summary>
public sealed unsafe class GgufEngine : IEngine
{
    private readonly LlamaModelHandle _model;
    private readonly LlamaContextHandle _context;
    private readonly GgmlThreadpoolHandle? _threads;
    private readonly NativeBatch _batch;
    private readonly nint _memory;
    private readonly int _maxOutputs;
    private float* _logits;
    private int _outputs;

    private GgufEngine(LlamaModelHandle model, LlamaContextHandle context, GgmlThreadpoolHandle? threads, GgufEngineOptions options, DeviceChoice device, string architecture, int threadCount)
    {
        _model = model;
        _context = context;
        _threads = threads;
        _batch = new NativeBatch(options.BatchTokens);
        _memory = LibLlama.llama_get_memory(context);
        Threads = threadCount;
        _maxOutputs = OutputLimit(options);
        GgufVocabulary = new GgufVocabulary(model);
        Tokenizer = new GuardedTokenizer(model, GgufVocabulary);
        Architecture = architecture;
        var pool = (int)LibLlama.llama_n_ctx(context);
        var rewindable = IsRewindable(model);
        Capabilities = new EngineCapabilities
        {
            VocabularySize = GgufVocabulary.Size,
            TrainedContextTokens = LibLlama.llama_model_n_ctx_train(model),
            PoolTokens = pool,
            MaxSequences = options.MaxSequences,
            // llama.cpp aborts on a batch that is larger than the pool.
            MaxBatchTokens = Math.Min(options.BatchTokens, pool),
            MaxOutputs = _maxOutputs,
            CanTrim = rewindable,
            CanSharePrefix = rewindable,
            AdapterMode = AdapterMode.None,
            Device = device.Description,
        };
    }

    /// <inheritdoc/>
    public EngineCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public ITokenVocabulary Vocabulary => GgufVocabulary;

    /// <summary>The vocabulary with what is peculiar to GGUF models.</summary>
    public GgufVocabulary GgufVocabulary { get; }

    /// <summary>The tokenizer of the model; safe for any thread while the engine lives.</summary>
    public GuardedTokenizer Tokenizer { get; }

    /// <summary>Compute threads in use.</summary>
    public int Threads { get; }

    /// <summary>general.architecture of the file.</summary>
    public string Architecture { get; }

    /// <summary>
    /// Loads a model. <paramref name="progress"/> gets fractions of the weights read, on the calling thread. Throws <see cref="EngineException"/> with a message
    /// for the operator, <see cref="ArgumentOutOfRangeException"/> for an option out of its range, <see cref="OperationCanceledException"/> when cancelled.
    /// </summary>
    public static GgufEngine Load(GgufEngineOptions options, IProgress<float>? progress = null, CancellationToken cancellation = default)
    {
        Verify(options);
        NativeLibraries.Ensure();
        var cores = Processors.PhysicalCores();
        var threads = options.Threads == 0 ? cores : Math.Min(options.Threads, Environment.ProcessorCount);
        var device = DeviceChoice.Pick(options.Device, threads);
        var header = ModelHeader.Read(options.ModelPath);
        header.Verify(options, device.IsCuda);

        var model = ModelLoader.Load(options, device, progress, cancellation);
        LlamaContextHandle? context = null;
        GgmlThreadpoolHandle? pool = null;
        try
        {
            if (LibLlama.llama_model_has_encoder(model) || !LibLlama.llama_model_has_decoder(model) || LibLlama.llama_model_is_diffusion(model))
                throw new EngineException($"architecture '{header.Architecture}' does not generate text token by token and is not served");
            if (!IsRewindable(model) && options.Parallel is { } parallel)
                options = options with { MaxSequences = parallel };
            context = LlamaContextHandle.Create(model, ContextParameters(options, device, threads));
            pool = GgmlThreadpoolHandle.TryCreate(threads);
            if (pool is not null)
                LibLlama.llama_attach_threadpool(context, pool, pool);
            cancellation.ThrowIfCancellationRequested();
            var engine = new GgufEngine(model, context, pool, options, device, header.Architecture, threads);
            if (options.WarmUp)
                engine.DecodeOnce();
            return engine;
        }
        catch
        {
            context?.Dispose();
            pool?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ExecutionStatus Execute(StepBatch batch)
    {
        _outputs = 0;
        if (!IsValid(batch))
            return ExecutionStatus.InvalidBatch;
        var result = (DecodeResult)LibLlama.llama_decode(_context, _batch.Fill(batch));
        if (result != DecodeResult.Success)
            return result.ToStatus();
        // Both wait for the device; the logits of all outputs lie one behind the other in the order of their rows.
        if (batch.OutputCount == 0)
            LibLlama.llama_synchronize(_context);
        else if ((_logits = LibLlama.llama_get_logits(_context)) == null)
            return ExecutionStatus.Failed;
        _outputs = batch.OutputCount;
        return ExecutionStatus.Completed;
    }

    /// <inheritdoc/>
    public Span<float> Logits(int output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(output);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(output, _outputs);
        return new Span<float>(_logits + ((nint)output * Capabilities.VocabularySize), Capabilities.VocabularySize);
    }

    /// <inheritdoc/>
    public void SharePrefix(EngineSequence source, EngineSequence destination, int tokens)
    {
        Check(source);
        Check(destination);
        var length = Length(source);
        if (tokens < 0 || tokens > length || source == destination)
            throw new ArgumentOutOfRangeException(nameof(tokens), tokens, $"{source} holds {length} tokens");
        if (!Capabilities.CanSharePrefix && tokens != length)
            throw new EngineException($"the memory of architecture '{Architecture}' can be shared whole only: {tokens} of {length} tokens asked for");
        if (tokens > 0)
            LibLlama.llama_memory_seq_cp(_memory, source.Value, destination.Value, 0, tokens);
    }

    /// <inheritdoc/>
    public bool Trim(EngineSequence sequence, int length)
    {
        Check(sequence);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return Length(sequence) <= length || LibLlama.llama_memory_seq_rm(_memory, sequence.Value, length, -1);
    }

    /// <inheritdoc/>
    public void Clear(EngineSequence sequence)
    {
        Check(sequence);
        LibLlama.llama_memory_seq_rm(_memory, sequence.Value, -1, -1);
    }

    /// <inheritdoc/>
    public int Length(EngineSequence sequence)
    {
        Check(sequence);
        return LibLlama.llama_memory_seq_pos_max(_memory, sequence.Value) + 1;
    }

    /// <inheritdoc/>
    public PreparedAdapter PrepareAdapter(string path, CancellationToken cancellation) =>
        throw new EngineException("adapters are switched off for this engine");

    /// <inheritdoc/>
    public void InstallAdapter(int slot, PreparedAdapter adapter) => throw new EngineException("adapters are switched off for this engine");

    /// <inheritdoc/>
    public void ClearAdapter(int slot) => throw new EngineException("adapters are switched off for this engine");

    /// <inheritdoc/>
    public void Dispose()
    {
        // The context uses the pool, so it goes first.
        _outputs = 0;
        _context.Dispose();
        _threads?.Dispose();
        _model.Dispose();
        _batch.Dispose();
    }

    private static void Verify(GgufEngineOptions options)
    {
        InRange(options.ContextTokens, 1, 1 << 24, nameof(options.ContextTokens));
        InRange(options.MaxSequences, 1, 256, nameof(options.MaxSequences));
        InRange(options.BatchTokens, 1, 65_536, nameof(options.BatchTokens));
        InRange(options.Parallel ?? 1, 1, options.MaxSequences, nameof(options.Parallel));
        InRange(options.MaxOutputs, 0, 65_536, nameof(options.MaxOutputs));
        InRange(options.Threads, 0, 512, nameof(options.Threads));
    }

    private static void InRange(int value, int low, int high, string name)
    {
        if (value < low || value > high)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be {low}..{high}");
    }

    // llama.cpp reserves a graph with an output for every sequence number.
    private static int OutputLimit(GgufEngineOptions options) => Math.Max(options.MaxSequences, options.MaxOutputs);

    private static bool IsRewindable(LlamaModelHandle model) => !LibLlama.llama_model_is_recurrent(model) && !LibLlama.llama_model_is_hybrid(model);

    private static llama_context_params ContextParameters(GgufEngineOptions options, DeviceChoice device, int threads)
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

    private void DecodeOnce()
    {
        var sequence = new EngineSequence(0);
        var batch = new StepBatch(1);
        batch.AddOutput(GgufVocabulary.BosId ?? 0, 0, sequence, adapterSlot: 0, adapterScale: 1);
        var status = Execute(batch);
        if (status != ExecutionStatus.Completed)
            throw new EngineException($"the model '{Architecture}' was loaded but its first token failed: {status}");
        Clear(sequence);
    }

    // llama.cpp aborts the process on some of these.
    private bool IsValid(StepBatch batch)
    {
        if (batch.Count == 0 || batch.Count > Capabilities.MaxBatchTokens || batch.OutputCount > _maxOutputs)
            return false;
        foreach (var token in batch.Tokens)
            if ((uint)token >= (uint)Capabilities.VocabularySize)
                return false;
        foreach (var sequence in batch.Sequences)
            if ((uint)sequence >= (uint)Capabilities.MaxSequences)
                return false;
        return !batch.AdapterSlots.ContainsAnyExcept(0);
    }

    private void Check(EngineSequence sequence)
    {
        if ((uint)sequence.Value >= (uint)Capabilities.MaxSequences)
            throw new ArgumentOutOfRangeException(nameof(sequence), sequence.Value, $"sequence numbers are 0..{Capabilities.MaxSequences - 1}");
    }
}
