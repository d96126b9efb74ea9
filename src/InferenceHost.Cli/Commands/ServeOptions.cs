using System.CommandLine;
using System.CommandLine.Parsing;
using InferenceHost.Cli.Files;
using InferenceHost.Cli.Parsing;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Cli.Commands;

/// <summary>The server's settings as options. Defaults and ranges are the server's: an option that is absent leaves its setting alone.</summary>
internal sealed class ServeOptions
{
    private readonly Option<string?> _model = Text("--model", "PATH", "GGUF file, or a name of the catalogue; the embedded model by default.");
    private readonly Option<string?> _modelsDirectory = Text("--models-dir", "PATH", "Folder of the catalogue: models with their manifests.");
    private readonly Option<string[]> _adapters = new("--adapter") { HelpName = "NAME=PATH", Description = "LoRA adapter: GGUF file or PEFT folder (repeatable)." };
    private readonly Option<string?> _listen = Text("--listen", "URL", "gRPC address, cleartext HTTP/2; port 0 = any, printed. Default http://127.0.0.1:50051; unix:/path works too.");
    private readonly Option<string?> _listenHttp = Text("--listen-http", "URL", "Second address with HTTP/1.1 and JSON, for curl; none by default.");
    private readonly Option<string?> _device = Text("--device", "auto|cpu|cuda", "Where the model runs; auto by default.");
    private readonly Option<int?> _context = NumberOption.Create<int>("--context", "TOKENS", "KV pool shared by all sequences; chosen by the engine by default.");
    private readonly Option<int?> _parallel = NumberOption.Create<int>("--parallel", "N", "Sequences decoded together, 1 .. 256; 32 by default.");
    private readonly Option<int?> _threads = NumberOption.Create<int>("--threads", "N", "Engine threads; one per core by default.");
    private readonly Option<int?> _batch = NumberOption.Create<int>("--batch", "TOKENS", "Tokens of one engine call at most.");
    private readonly Option<string?> _cacheTypeK = Text("--cache-type-k", "f16|q8_0|q4_0", "Type of cached keys; f16 by default.");
    private readonly Option<string?> _cacheTypeV = Text("--cache-type-v", "f16|q8_0|q4_0", "Type of cached values; f16 by default.");
    private readonly Option<string?> _adapterType = Text("--adapter-type", "q8_0|f16", "How the weights of adapters are kept while they are in use; q8_0 by default.");
    private readonly Option<int?> _adapterRank = NumberOption.Create<int>("--adapter-rank", "N", "Highest rank of an adapter on a GPU, where memory for all slots is taken at start; 64 by default.");
    private readonly Option<int?> _adapterSlots = NumberOption.Create<int>("--adapter-slots", "N", "Adapters in use at the same time, 0 .. 255; as many as given, at least 8, by default.");
    private readonly Option<long?> _adapterMemory = NumberOption.Create<long>("--adapter-memory", "BYTES", "Host memory for adapters that are not in a slot.");
    private readonly Option<long?> _adapterDisk = NumberOption.Create<long>("--adapter-disk", "BYTES", "Disk space for adapter files; without a name they stay until it is needed. 64 GiB by default.");
    private readonly Option<int?> _targetInterToken = NumberOption.Create<int>("--target-inter-token-ms", "MS", "Aimed-at time between two tokens of a stream.");
    private readonly Option<bool> _noPrefixCache = new("--no-prefix-cache") { Description = "Do not keep prompts' cells for later prompts that begin alike." };
    private readonly Option<long?> _swapMemory = NumberOption.Create<long>("--swap-memory", "BYTES", "Host memory for preempted sequences that wait to go on, 0 = compute them again; 1 GiB, at most a quarter of what is available, by default.");
    private readonly Option<bool> _noSpeculation = new("--no-speculation") { Description = "Do not guess tokens by prompt look-up." };
    private readonly Option<int?> _queueLimit = NumberOption.Create<int>("--queue-limit", "N", "Requests that may wait, all tenants together.");
    private readonly Option<double?> _stallTimeout = NumberOption.Create<double>("--stall-timeout", "SECONDS", "A client that reads nothing for this long loses its stream; 20 by default.");
    private readonly Option<double?> _drainTimeout = NumberOption.Create<double>("--drain-timeout", "SECONDS", "Time running streams have at the end; 25 by default.");
    private readonly Option<int?> _maxReceive = NumberOption.Create<int>("--max-receive-message", "BYTES", "Longest request message; 16777216 by default.");
    private readonly Option<int?> _maxSend = NumberOption.Create<int>("--max-send-message", "BYTES", "Longest response message; 16777216 by default.");
    private readonly Option<int?> _maxCalls = NumberOption.Create<int>("--max-calls-per-connection", "N", "Calls that one connection may have open; 4096 by default.");
    private readonly Option<bool> _noReflection = new("--no-reflection") { Description = "Do not serve grpc.reflection." };
    private readonly Option<string?> _chatTemplate = Text("--chat-template", "PATH", "Jinja chat template in place of the model's own.");
    private readonly Option<string?> _worker = Text("--worker", "PATH", "Executable of the engine process; the one beside this by default.");
    private readonly Option<string?> _nativeDirectory = Text("--native-dir", "PATH", "Folder of the native libraries.");
    private readonly Option<string?> _stateDirectory = Text("--state-dir", "PATH", "Folder where adapters are kept over restarts.");
    private readonly Option<double?> _heartbeat = NumberOption.Create<double>("--heartbeat-timeout", "SECONDS", "Silence after which the engine process counts as hung; 10 by default.");
    private readonly Option<double?> _step = NumberOption.Create<double>("--step-timeout", "SECONDS", "Length of one engine call after which it counts as hung; 120 by default.");
    private readonly Option<bool> _verbose = new("--verbose") { Description = "Log informational messages too; never prompt or completion text." };

    public ServeOptions()
    {
        _adapters.Validators.Add(CheckAdapters);
    }

    public void AddTo(Command command)
    {
        Option[] all =
        [
            _model, _adapters, _listen, _listenHttp, _device, _context, _parallel, _threads, _chatTemplate, _modelsDirectory, _stateDirectory, _batch,
            _cacheTypeK, _cacheTypeV, _adapterSlots, _adapterType, _adapterRank, _adapterMemory, _adapterDisk, _targetInterToken, _noPrefixCache, _swapMemory, _noSpeculation, _queueLimit,
            _stallTimeout, _drainTimeout, _maxReceive, _maxSend, _maxCalls, _noReflection, _worker, _nativeDirectory, _heartbeat, _step, _verbose,
        ];
        foreach (Option option in all)
            command.Add(option);
    }

    /// <summary>The model's file, as far as it is known before the server looks for it.</summary>
    public string? ModelPath(ParseResult parsed) => parsed.GetValue(_model) is { } model && File.Exists(model) ? model : ModelFolder.DefaultModel();

    /// <summary>The settings. They are verified by the server, which names every one that is out of range.</summary>
    /// <exception cref="CliException">An adapter cannot be imported.</exception>
    public ServerOptions Read(ParseResult parsed, ImportedAdapters adapters)
    {
        var defaults = new ServerOptions();
        return ReadLimits(parsed, defaults) with
        {
            Model = parsed.GetValue(_model),
            ModelsDirectory = parsed.GetValue(_modelsDirectory),
            Adapters = [.. (parsed.GetValue(_adapters) ?? []).Select(text => Split(text)).Select(pair => adapters.Import(pair.Name, pair.Path))],
            Listen = parsed.GetValue(_listen) ?? defaults.Listen,
            ListenHttp = parsed.GetValue(_listenHttp),
            Device = parsed.GetValue(_device) ?? defaults.Device,
            ContextTokens = parsed.GetValue(_context) ?? defaults.ContextTokens,
            Parallel = parsed.GetValue(_parallel) ?? defaults.Parallel,
            Threads = parsed.GetValue(_threads) ?? defaults.Threads,
            BatchTokens = parsed.GetValue(_batch) ?? defaults.BatchTokens,
            CacheTypeK = parsed.GetValue(_cacheTypeK) ?? defaults.CacheTypeK,
            CacheTypeV = parsed.GetValue(_cacheTypeV) ?? defaults.CacheTypeV,
            AdapterSlots = parsed.GetValue(_adapterSlots) ?? defaults.AdapterSlots,
            AdapterType = parsed.GetValue(_adapterType) ?? defaults.AdapterType,
            AdapterRank = parsed.GetValue(_adapterRank) ?? defaults.AdapterRank,
            AdapterMemoryBytes = parsed.GetValue(_adapterMemory) ?? defaults.AdapterMemoryBytes,
            AdapterDiskBytes = parsed.GetValue(_adapterDisk) ?? defaults.AdapterDiskBytes,
            PrefixCache = !parsed.GetValue(_noPrefixCache),
            SwapMemoryBytes = parsed.GetValue(_swapMemory),
            Speculation = !parsed.GetValue(_noSpeculation),
            Reflection = !parsed.GetValue(_noReflection),
            ChatTemplatePath = parsed.GetValue(_chatTemplate),
            WorkerPath = parsed.GetValue(_worker),
            NativeDirectory = parsed.GetValue(_nativeDirectory),
            StateDirectory = parsed.GetValue(_stateDirectory),
            Verbose = parsed.GetValue(_verbose),
        };
    }

    private ServerOptions ReadLimits(ParseResult parsed, ServerOptions defaults) => defaults with
    {
        TargetInterTokenMs = parsed.GetValue(_targetInterToken) ?? defaults.TargetInterTokenMs,
        QueueLimit = parsed.GetValue(_queueLimit) ?? defaults.QueueLimit,
        StallTimeout = Seconds(parsed.GetValue(_stallTimeout)) ?? defaults.StallTimeout,
        DrainTimeout = Seconds(parsed.GetValue(_drainTimeout)) ?? defaults.DrainTimeout,
        MaxReceiveMessageBytes = parsed.GetValue(_maxReceive) ?? defaults.MaxReceiveMessageBytes,
        MaxSendMessageBytes = parsed.GetValue(_maxSend) ?? defaults.MaxSendMessageBytes,
        MaxCallsPerConnection = parsed.GetValue(_maxCalls) ?? defaults.MaxCallsPerConnection,
        HeartbeatTimeout = Seconds(parsed.GetValue(_heartbeat)) ?? defaults.HeartbeatTimeout,
        StepTimeout = Seconds(parsed.GetValue(_step)) ?? defaults.StepTimeout,
    };

    private static Option<string?> Text(string name, string helpName, string description) => new(name) { HelpName = helpName, Description = description };

    // Numbers that no TimeSpan can hold are out of every range: the largest one that can is refused with its number as well.
    private static TimeSpan? Seconds(double? seconds) => seconds switch
    {
        null => null,
        >= -1e9 and <= 1e9 => TimeSpan.FromSeconds(seconds.Value),
        _ => TimeSpan.MaxValue,
    };

    private static (string Name, string Path) Split(string text)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        return (text[..at], text[(at + 1)..]);
    }

    private static void CheckAdapters(OptionResult result)
    {
        foreach (Token token in result.Tokens)
        {
            int at = token.Value.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || at == token.Value.Length - 1)
                result.AddError($"--adapter: '{token.Value}' is not NAME=PATH, e.g. bank=models/adapters/bank.gguf.");
        }
    }
}
