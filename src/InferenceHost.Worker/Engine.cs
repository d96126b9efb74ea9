using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Engines.Gguf;
using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Worker.Tokenization;

namespace InferenceHost.Worker;

/// <summary>A loaded model with its loop. Made, run and disposed by the engine thread.</summary>
internal sealed class Engine : IDisposable
{
    private const int DefaultContextTokens = 16_384;
    private const int DefaultBatchTokens = 512;
    private const int DefaultAdapterRank = 64;
    private const int MaxSequences = 256;
    private const int CachedSequences = 96;
    private const ulong WarmUpIds = ulong.MaxValue - 1_000;

    // Each prompt is one token shorter than the last, so that kernels are compiled for the remainders that such chunks leave.
    private const int LongestWarmUp = 24;

    private readonly GgufEngine _engine;
    private readonly LoadModel _load;

    private Engine(GgufEngine engine, LoadModel load, ServerLink link, FrameEncoder frames)
    {
        _engine = engine;
        _load = load;
        var options = new LoopOptions
        {
            Scheduling = new SchedulerOptions
            {
                Parallel = load.Parallel,
                MaxBatchTokens = engine.Capabilities.MaxBatchTokens,
                TargetInterTokenLatency = TimeSpan.FromMilliseconds(load.TargetInterTokenMs),
                PrefixCache = load.PrefixCache,
                PrefixCacheTokens = PrefixCacheBudget.For(engine, load.Path),
                SwapMemoryBytes = load.HasSwapMemoryBytes ? load.SwapMemoryBytes : SwapMemoryBudget.ForMachine(),
                Speculation = load.Speculation,
            },
            OnFault = fault => Console.Error.WriteLine(fault),
        };
        if (load.QueueLimit > 0) options = options with { MaxWaiting = load.QueueLimit, MaxWaitingPerTenant = load.QueueLimit };
        if (load.AdapterMemoryBytes > 0) options = options with { AdapterMemoryBytes = load.AdapterMemoryBytes };
        Loop = new EngineLoop(engine, frames, options);
        IPromptTokenizer tokenizer = (IPromptTokenizer?)UnigramPromptTokenizer.TryOpen(load.Path) ?? new EnginePromptTokenizer(engine.Tokenizer, engine.GgufVocabulary);
        Submissions = new Submissions(Loop, engine, tokenizer, link);
    }

    public EngineLoop Loop { get; }

    public Submissions Submissions { get; }

    public int AdapterSlots => _engine.Capabilities.AdapterSlots;

    /// <summary>Set when the loop has ended and the model is freed.</summary>
    public ManualResetEventSlim Stopped { get; } = new(false);

    public static Engine Load(LoadModel load, ServerLink link, FrameEncoder frames, Action<LoadProgress> progress)
    {
        if (load.NativeDirectory.Length > 0) Environment.SetEnvironmentVariable("INFERENCEHOST_NATIVE_DIR", load.NativeDirectory);
        var reported = -1;
        var engine = GgufEngine.Load(
            new GgufEngineOptions
            {
                ModelPath = load.Path,
                Device = load.Device switch { "cpu" => GgufDevice.Cpu, "cuda" => GgufDevice.Cuda, _ => GgufDevice.Auto },
                ContextTokens = load.ContextTokens > 0 ? load.ContextTokens : DefaultContextTokens,
                MaxSequences = Math.Min(MaxSequences, load.Parallel + CachedSequences),
                Parallel = load.Parallel,
                BatchTokens = Math.Max(load.BatchTokens > 0 ? load.BatchTokens : DefaultBatchTokens, load.Parallel),
                Threads = load.Threads,
                AdapterSlots = load.AdapterSlots,
                AdapterRouting = load.Plain ? AdapterRouting.Grouped : AdapterRouting.Auto,
                AdapterStorage = load.AdapterType == "f16" ? AdapterStorage.F16 : AdapterStorage.Int8,
                AdapterRank = load.AdapterRank > 0 ? load.AdapterRank : DefaultAdapterRank,
                OwnAttention = !load.Plain,
                OwnProducts = !load.Plain,
                KeyType = ToType(load.CacheTypeK),
                ValueType = ToType(load.CacheTypeV),
            },
            new Immediate(fraction =>
            {
                var percent = (int)(fraction * 100);
                if (percent == reported) return;
                reported = percent;
                progress(new LoadProgress { Stage = "loading", Fraction = fraction });
            }));
        return new Engine(engine, load, link, frames);
    }

    /// <summary>Runs prompts of several shapes through the whole loop, so that the first request finds compiled code, built graphs and touched memory.</summary>
    public void WarmUp()
    {
        var vocabulary = _engine.Capabilities.VocabularySize;
        SamplingParameters[] sampling = [SamplingParameters.Greedy, new() { Temperature = 0.8f, TopK = 40, TopP = 0.95f, MinP = 0.05f, Seed = 1, Logprobs = 1 }];
        var id = WarmUpIds;
        foreach (var rows in (ReadOnlySpan<int>)[1, Math.Min(4, _load.Parallel)])
        {
            for (var i = 0; i < rows; i++)
                Submit(i, LongestWarmUp - i, Math.Min(8, Loop.Limits.MaxSequenceTokens - LongestWarmUp), sampling[i % sampling.Length]);
            while (Loop.Step()) ;
        }
        // A GPU's code for many rows may have to be compiled too.
        if (_engine.IsOnGpu)
        {
            Submit(0, Math.Min(_engine.Capabilities.MaxBatchTokens, Loop.Limits.MaxSequenceTokens - 1), 1, sampling[0]);
            while (Loop.Step()) ;
        }
        Loop.DropPrefixCache();
        Loop.ResetCounters();
        while (Loop.Step()) ;

        void Submit(int first, int length, int newTokens, SamplingParameters parameters) => Loop.Submit(new SequenceRequest
        {
            Id = new SequenceId(id++),
            Tenant = "",
            Prompt = Enumerable.Range(first, length).Select(token => token % vocabulary).ToArray(),
            MaxNewTokens = newTokens,
            Sampling = parameters,
            IgnoreEndOfGeneration = true,
        });
    }

    public Loaded Describe()
    {
        var capabilities = _engine.Capabilities;
        var vocabulary = _engine.GgufVocabulary;
        return new Loaded
        {
            Device = capabilities.Device,
            ContextTokens = capabilities.PoolTokens,
            TrainedContextTokens = capabilities.TrainedContextTokens,
            Parallel = _load.Parallel,
            VocabularySize = capabilities.VocabularySize,
            AdapterSlots = capabilities.AdapterSlots,
            AdapterMode = capabilities.AdapterMode switch { AdapterMode.PerRow => "per row", AdapterMode.Grouped => "grouped", _ => "none" },
            AddsBos = vocabulary.AddsBos,
            BosId = vocabulary.BosId ?? -1,
            BosText = vocabulary.Name(vocabulary.BosId),
            EosText = vocabulary.Name(vocabulary.EosId),
            Tokenizer = Submissions.TokenizerName,
            Threads = _engine.Threads,
            AdapterNote = _engine.AdapterNote ?? "",
            DeviceNote = _engine.DeviceNote ?? "",
        };
    }

    public void Dispose()
    {
        Loop.Dispose();
        _engine.Dispose();
        Stopped.Set();
    }

    private static KvCacheType ToType(string name) => name switch
    {
        "" or "f16" => KvCacheType.F16,
        "q8_0" => KvCacheType.Q8_0,
        "q4_0" => KvCacheType.Q4_0,
        _ => throw new EngineException($"cache type '{name}' is not known; f16, q8_0 and q4_0 are"),
    };

    /// <summary>Progress on the calling thread, unlike <see cref="Progress{T}"/>.</summary>
    private sealed class Immediate(Action<float> report) : IProgress<float>
    {
        public void Report(float value) => report(value);
    }
}
