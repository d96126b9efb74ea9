using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Streaming;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Supervision;

/// <summary>A model loaded in one engine process: what calls talk to. Ends with the process; a restart makes a new one.</summary>
internal sealed class EngineSession(EngineWorker worker, ServedModel model, Wire.Loaded loaded)
{
    /// <summary>The model.</summary>
    public ServedModel Model { get; } = model;

    /// <summary>What the engine said about it.</summary>
    public Wire.Loaded Loaded { get; } = loaded;

    /// <summary>Process id of the engine.</summary>
    public int ProcessId => worker.ProcessId;

    /// <summary>Streams that run.</summary>
    public StreamTable Streams => worker.Link.Streams;

    /// <summary>Completes with the cause when the process has ended.</summary>
    public Task<string> Closed => worker.Link.Closed;

    /// <summary>Adapters this process knows.</summary>
    public Adapters.AdapterRegistrations Adapters { get; } = new(worker.Link.CallAsync);

    /// <summary>Starts a generation.</summary>
    /// <exception cref="RefusalException">It could not be sent.</exception>
    public GenerationStream Submit(Wire.Submit submit)
    {
        submit.SequenceId = Ids.Next();
        var stream = new GenerationStream(submit.SequenceId, Math.Max(1, submit.N));
        return worker.Link.Submit(stream, submit) is { } refusal ? throw new RefusalException(refusal) : stream;
    }

    /// <summary>Ends a generation in the engine.</summary>
    public void Cancel(GenerationStream stream) => worker.Link.Cancel(stream.Id);

    /// <summary>Sends a message and waits for its answer.</summary>
    /// <exception cref="RefusalException">The engine refused, or ended before it answered.</exception>
    public Task<Wire.FromWorker> CallAsync(Wire.ToWorker message, CancellationToken cancellation) => worker.Link.CallAsync(message, cancellation);

    /// <summary>Token ids of segments.</summary>
    public async Task<Wire.Tokens> TokenizeAsync(Wire.Tokenize request, CancellationToken cancellation) =>
        (await CallAsync(new Wire.ToWorker { Tokenize = request }, cancellation)).Tokens ?? throw Unexpected("Tokenize");

    /// <summary>Bytes of token ids.</summary>
    public async Task<Wire.Text> DetokenizeAsync(Wire.Detokenize request, CancellationToken cancellation) =>
        (await CallAsync(new Wire.ToWorker { Detokenize = request }, cancellation)).Text ?? throw Unexpected("Detokenize");

    /// <summary>Present counters.</summary>
    public async Task<Wire.Counters> CountersAsync(CancellationToken cancellation) =>
        (await CallAsync(new Wire.ToWorker { GetCounters = new Wire.GetCounters() }, cancellation)).Counters ?? throw Unexpected("GetCounters");

    /// <summary>States of the adapters the engine knows.</summary>
    public async Task<Wire.AdapterStateList> AdapterStatesAsync(CancellationToken cancellation) =>
        (await CallAsync(new Wire.ToWorker { AdapterStates = new Wire.AdapterStates() }, cancellation)).AdapterStateList ?? throw Unexpected("AdapterStates");

    private static RefusalException Unexpected(string call) =>
        new(new Refusal(RefusalKind.Internal, "ENGINE_PROTOCOL", $"the engine process answered {call} with another kind of frame"));
}
