using System.Diagnostics.CodeAnalysis;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.Engines.Gguf.Tokenization;
using InferenceHost.ModelFiles.Lora;

namespace InferenceHost.Engines.Gguf;

/// <summary>One GGUF model on libllama. All members but <see cref="Vocabulary"/>, <see cref="Tokenizer"/> and <see cref="PrepareAdapter"/> belong to one thread.</summary>
public sealed class GgufEngine : IEngine
{
    // ggml's interleaved kernels take sixteen rows at a time, what is left by fours, the rest one by one.
    private const int InterleavedRows = 16;

    private readonly LlamaModelHandle _model;
    private readonly EngineParts _parts;
    private readonly SequenceStates _states;
    private readonly int _maxOutputs;

    private GgufEngine(LlamaModelHandle model, EngineParts parts, GgufVocabulary vocabulary, GgufEngineOptions options, DeviceChoice device, string architecture, int threads)
    {
        _model = model;
        _parts = parts;
        Threads = threads;
        _maxOutputs = ContextFactory.OutputLimit(options);
        GgufVocabulary = vocabulary;
        Tokenizer = new GuardedTokenizer(model, vocabulary);
        Architecture = architecture;
        AdapterNote = parts.AdapterNote;
        DeviceNote = device.Note;
        IsOnGpu = device.IsCuda;
        var rewindable = !ContextFactory.ReordersRows(model);
        var window = LibLlama.llama_model_n_swa(model);
        _states = new SequenceStates(parts.Context, parts.Decoder.Memory, window, rewindable);
        Capabilities = new EngineCapabilities
        {
            VocabularySize = vocabulary.Size,
            TrainedContextTokens = LibLlama.llama_model_n_ctx_train(model),
            PoolTokens = (int)LibLlama.llama_n_ctx(parts.Context),
            MaxSequences = options.MaxSequences,
            // llama.cpp aborts on a larger batch. It takes no more than the pool that was asked for, which it then rounds up.
            MaxBatchTokens = (int)LibLlama.llama_n_batch(parts.Context),
            MaxOutputs = _maxOutputs,
            CanTrim = rewindable,
            // llama.cpp gives a sequence's cells behind its sliding window to others: a prefix shared from it may lack them.
            CanSharePrefix = rewindable && window == 0,
            AdapterMode = parts.Adapters.Mode,
            AdapterSlots = options.AdapterSlots,
            Device = device.Description,
            RowMultiple = device.IsCuda || OwnProducts ? 1 : InterleavedRows,
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

    /// <summary>Why adapters are not routed per row although that was wanted; null where they are.</summary>
    public string? AdapterNote { get; }

    /// <summary>Why the model is on the CPU although the libraries for a GPU are there; null where that was asked for.</summary>
    public string? DeviceNote { get; }

    /// <summary>Whether the model is on a GPU.</summary>
    public bool IsOnGpu { get; }

    /// <summary>Whether attention is computed by our kernel; false on a GPU, where it is switched off, and where it did not agree with ggml's.</summary>
    public bool OwnAttention => _parts.Open.Attention is { IsOn: true };

    /// <summary>Whether products with quantised weights are computed by our kernel; false where the machine or the model has nothing for it, or it did not agree with ggml's.</summary>
    public bool OwnProducts => _parts.Open.Products is { IsOn: true };

    /// <inheritdoc cref="AdapterRouter.IsResting"/>
    internal bool AdaptersRest => _parts.Adapters is AdapterRouter { IsResting: true };

    /// <inheritdoc/>
    public string? LastFault { get; private set; }

    /// <summary>
    /// Loads a model. <paramref name="progress"/> gets fractions of the weights read, on the calling thread. Throws <see cref="EngineException"/> with a message
    /// for the operator, <see cref="ArgumentOutOfRangeException"/> for an option out of its range, <see cref="OperationCanceledException"/> when cancelled.
    /// </summary>
    public static GgufEngine Load(GgufEngineOptions options, IProgress<float>? progress = null, CancellationToken cancellation = default)
    {
        Verify(options);
        NativeLibraries.Ensure();
        var threads = options.Threads == 0 ? Processors.PhysicalCores() : Math.Min(options.Threads, Environment.ProcessorCount);
        var device = DeviceChoice.Pick(options.Device, threads);
        var header = ModelHeader.Read(options.ModelPath);
        header.Verify(options, device.IsCuda);

        var model = ModelLoader.Load(options, device, progress, cancellation);
        EngineParts? parts = null;
        try
        {
            if (LibLlama.llama_model_has_encoder(model) || !LibLlama.llama_model_has_decoder(model) || LibLlama.llama_model_is_diffusion(model))
                throw new EngineException($"architecture '{header.Architecture}' does not generate text token by token and is not served");
            if (ContextFactory.ReordersRows(model) && options.Parallel is { } parallel)
                options = options with { MaxSequences = parallel };
            var vocabulary = new GgufVocabulary(model);
            parts = new ContextFactory(options, header, device, threads).Create(model, vocabulary.Size);
            cancellation.ThrowIfCancellationRequested();
            var engine = new GgufEngine(model, parts, vocabulary, options, device, header.Architecture, threads);
            if (options.WarmUp)
                engine.DecodeOnce();
            return engine;
        }
        catch
        {
            parts?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ExecutionStatus Execute(StepBatch batch)
    {
        LastFault = null;
        _parts.Decoder.Invalidate();
        if (!IsValid(batch) || !_parts.Adapters.Accepts(batch))
            return ExecutionStatus.InvalidBatch;
        _parts.Adapters.BeforeStep(batch);
        var result = _parts.Decoder.Decode(batch);
        if (result != DecodeResult.Success || (LastFault = _parts.Adapters.AfterStep()) is null)
            return result.ToStatus();
        _parts.Decoder.Invalidate();
        return ExecutionStatus.Failed;
    }

    /// <inheritdoc/>
    public Span<float> Logits(int output) => _parts.Decoder.Logits(output);

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
            LibLlama.llama_memory_seq_cp(_parts.Decoder.Memory, source.Value, destination.Value, 0, tokens);
    }

    /// <inheritdoc/>
    public bool Trim(EngineSequence sequence, int length)
    {
        Check(sequence);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return Length(sequence) <= length || LibLlama.llama_memory_seq_rm(_parts.Decoder.Memory, sequence.Value, length, -1);
    }

    /// <inheritdoc/>
    public void Clear(EngineSequence sequence)
    {
        Check(sequence);
        LibLlama.llama_memory_seq_rm(_parts.Decoder.Memory, sequence.Value, -1, -1);
    }

    /// <inheritdoc/>
    public int Length(EngineSequence sequence)
    {
        Check(sequence);
        return LibLlama.llama_memory_seq_pos_max(_parts.Decoder.Memory, sequence.Value) + 1;
    }

    /// <inheritdoc/>
    public long StateBytes(EngineSequence sequence) => _states.Bytes(sequence, Length(sequence));

    /// <inheritdoc/>
    public bool TrySave(EngineSequence sequence, long bytes, [NotNullWhen(true)] out SavedState? state) => _states.TrySave(sequence, Length(sequence), bytes, out state);

    /// <inheritdoc/>
    public bool TryRestore(EngineSequence sequence, SavedState state)
    {
        if (Length(sequence) != 0) throw new ArgumentException($"{sequence} is not empty", nameof(sequence));
        if (_states.TryRestore(sequence, state) && Length(sequence) == state.Tokens) return true;
        // llama.cpp empties the memory part that failed, not those before it.
        Clear(sequence);
        return false;
    }

    /// <inheritdoc/>
    public PreparedAdapter PrepareAdapter(string path, CancellationToken cancellation) => _parts.Adapters.Prepare(path, cancellation);

    /// <inheritdoc/>
    public bool InstallAdapter(int slot, PreparedAdapter adapter) => _parts.Adapters.Install(slot, adapter);

    /// <inheritdoc/>
    public void ClearAdapter(int slot) => _parts.Adapters.Clear(slot);

    /// <inheritdoc/>
    public void Dispose()
    {
        _parts.Dispose();
        _model.Dispose();
    }

    private static void Verify(GgufEngineOptions options)
    {
        InRange(options.ContextTokens, 1, 1 << 24, nameof(options.ContextTokens));
        InRange(options.MaxSequences, 1, 256, nameof(options.MaxSequences));
        InRange(options.BatchTokens, 1, 65_536, nameof(options.BatchTokens));
        InRange(options.Parallel ?? 1, 1, options.MaxSequences, nameof(options.Parallel));
        InRange(options.MaxOutputs, 0, 65_536, nameof(options.MaxOutputs));
        InRange(options.Threads, 0, 512, nameof(options.Threads));
        InRange(options.AdapterSlots, 0, 4096, nameof(options.AdapterSlots));
        InRange(options.AdapterRank, 1, LoraValidator.MaxRank, nameof(options.AdapterRank));
    }

    private static void InRange(int value, int low, int high, string name)
    {
        if (value < low || value > high)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be {low}..{high}");
    }

    private void DecodeOnce()
    {
        var sequence = new EngineSequence(0);
        var batch = new StepBatch(1);
        batch.AddOutput(GgufVocabulary.BosId ?? 0, 0, sequence, 0, 1);
        var status = Execute(batch);
        if (status != ExecutionStatus.Completed)
            throw new EngineException($"the model '{Architecture}' was loaded but its first token failed: {LastFault ?? status.ToString()}");
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
        return true;
    }

    private void Check(EngineSequence sequence)
    {
        if ((uint)sequence.Value >= (uint)Capabilities.MaxSequences)
            throw new ArgumentOutOfRangeException(nameof(sequence), sequence.Value, $"sequence numbers are 0..{Capabilities.MaxSequences - 1}");
    }
}
