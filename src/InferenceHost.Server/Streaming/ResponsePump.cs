using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Services;
using InferenceHost.Server.Supervision;
using InferenceHost.Server.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// Moves one generation from the engine to its client: submit, write what arrives, end. One message object serves the whole stream; what arrives while a
/// message is being written leaves together as the next.
/// </summary>
internal sealed class ResponsePump(StallMonitor stalls, ServerCounters counters, TimeProvider time, Hosting.ServerOptions options, ILogger<ResponsePump> log)
{
    // Compressed flag and length in front of every gRPC message.
    private const int MessageHeaderBytes = 5;

    /// <summary>Streams every sample as it is generated.</summary>
    /// <exception cref="RefusalException">The engine refused, or ended in failure.</exception>
    public async Task StreamAsync(
        EngineSession session, Wire.Submit submit, IServerStreamWriter<GenerateResponse> writer, ServerCallContext context, IResponseShaper? shaper)
    {
        using var generation = Start(session, submit, context);
        var stream = generation.Stream;
        var message = new GenerateResponse();
        var compression = Compression.RequestedBy(context);
        while (true)
        {
            await stream.WaitAsync();
            StreamRead read;
            while ((read = stream.TryTake(message, out var finish)) == StreamRead.Message)
            {
                SetEnd(message, finish);
                shaper?.Shape(message, message.Index);
                if (compression is not null)
                {
                    await Compression.StartAsync(context, compression);
                    compression = null;
                }
                await WriteAsync(stream, writer, message);
            }
            if (read == StreamRead.Ended)
            {
                await TakenAsync(stream, context);
                return;
            }
            if (read == StreamRead.Failed)
                throw new RefusalException(stream.Failure!);
        }
    }

    /// <summary>Waits for every sample and writes the <paramref name="wanted"/> best by mean log-probability, best first.</summary>
    /// <exception cref="RefusalException">The engine refused, or ended in failure.</exception>
    public async Task StreamBestAsync(
        EngineSession session, Wire.Submit submit, int wanted, IServerStreamWriter<GenerateResponse> writer, ServerCallContext context, IResponseShaper? shaper)
    {
        using var generation = Start(session, submit, context);
        var stream = generation.Stream;
        var choice = new BestSamples(submit.N);
        StreamRead read;
        do
        {
            await stream.WaitAsync();
            GenerateResponse message;
            while ((read = stream.TryTake(message = new GenerateResponse(), out var finish)) == StreamRead.Message)
            {
                SetEnd(message, finish);
                shaper?.Shape(message, message.Index);
                choice.Add(message, finish);
            }
        }
        while (read == StreamRead.Nothing);
        if (read == StreamRead.Failed)
            throw new RefusalException(stream.Failure!);
        foreach (var message in choice.Best(wanted))
        {
            await WriteAsync(stream, writer, message);
        }
        await TakenAsync(stream, context);
    }

    // Not async itself: what arrives completed, as nearly every write does, costs nothing here.
    private Task WriteAsync(GenerationStream stream, IServerStreamWriter<GenerateResponse> writer, GenerateResponse message)
    {
        stream.WriteStarted = time.GetTimestamp();
        stream.Window?.Wrote(MessageHeaderBytes + message.CalculateSize());
        var write = writer.WriteAsync(message);
        if (!write.IsCompletedSuccessfully)
            return WrittenAsync(stream, write);
        Written(stream);
        return Task.CompletedTask;
    }

    private async Task WrittenAsync(GenerationStream stream, Task write)
    {
        await write;
        Written(stream);
    }

    private void Written(GenerationStream stream)
    {
        stream.WriteStarted = 0;
        if (stream.Window is { IsTaken: false } && stream.UnreadSince == 0)
            stream.UnreadSince = time.GetTimestamp();
    }

    // The call ends when its reader has let everything go out: a reader that never does is evicted, not left behind.
    private static async Task TakenAsync(GenerationStream stream, ServerCallContext context)
    {
        if (stream.Window is not { } window)
            return;
        if (!window.IsTaken)
            await window.WhenTaken(context.CancellationToken);
        window.IsComplete = true;
    }

    private Generation Start(EngineSession session, Wire.Submit submit, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var stream = session.Submit(submit);
        stream.Evict = () => Evict(session, stream, http);
        // Compressed messages are shorter than they can be counted here: the time of the write has to do.
        stream.Window = Compression.RequestedBy(context) is null ? ConnectionWindows.Of(http) : null;
        stalls.Add(stream);
        var cancellation = context.CancellationToken.UnsafeRegister(
            static state =>
            {
                var (session, stream) = ((EngineSession, GenerationStream))state!;
                session.Cancel(stream);
                stream.Fail(Refusal.Cancelled);
            },
            (session, stream));
        return new Generation(this, session, stream, cancellation);
    }

    private void Evict(EngineSession session, GenerationStream stream, HttpContext http)
    {
        // The call may just be ending by itself: then there is nothing to evict any more.
        if (!stalls.TryRemove(stream))
            return;
        counters.StreamStalled();
        ServicesLog.StreamStalled(log, options.StallTimeout.TotalSeconds);
        session.Cancel(stream);
        try
        {
            http.Abort();
        }
        catch (ObjectDisposedException)
        {
            // It ended in this moment.
        }
    }

    private static void SetEnd(GenerateResponse message, Wire.Finish? finish)
    {
        message.Usage = finish is null ? null : Messages.Usage(finish);
        if (finish is null)
            message.ClearFinishReason();
        else
            message.FinishReason = Messages.Reason(finish.Reason);
    }

    private readonly struct Generation(ResponsePump pump, EngineSession session, GenerationStream stream, CancellationTokenRegistration cancellation) : IDisposable
    {
        public GenerationStream Stream => stream;

        public void Dispose()
        {
            cancellation.Unregister();
            pump.Forget(session, stream);
        }
    }

    private void Forget(EngineSession session, GenerationStream stream)
    {
        stalls.TryRemove(stream);
        session.Streams.Remove(stream.Id);
        stream.Window?.Dispose();
        // The client is gone in the middle of a write: the engine need not go on.
        if (!stream.EngineDone)
            session.Cancel(stream);
    }
}
