using System.Diagnostics;
using Google.Rpc;
using Grpc.Core;
using InferenceHost.EndToEnd.Tests.Hosting;
using InferenceHost.Protocol.V1;

namespace InferenceHost.EndToEnd.Tests;

/// <summary>Processes that die or are told to end.</summary>
public sealed class LifecycleTests
{
    // No test of speed: a machine that builds and tests at the same time may be ten times slower than a quiet one.
    private static readonly TimeSpan DeathLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RestartLimit = TimeSpan.FromSeconds(60);

    private static GenerateRequest Endless => new() { Prompt = "Once upon a time", MaxTokens = 4000, Temperature = 0, IgnoreEos = true };

    [Fact]
    public async Task KilledEngineEndsItsStreamsWithUnavailableAndTheNextCallSucceeds()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--parallel", "4", "--context", "8192");
        int engine = await server.EngineProcessIdAsync();
        using var call = server.Inference.Generate(Endless, deadline: Streams.Deadline);
        Assert.True(await call.ResponseStream.MoveNext(default));
        ServerProcess.Kill(engine);
        var watch = Stopwatch.StartNew();
        RpcException failure = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(default))
            {
            }
        });
        Assert.True(watch.Elapsed < DeathLimit, $"the stream ended {watch.Elapsed} after the engine");
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Equal("ENGINE_RESTARTED", failure.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason);

        Completion next = await RetryAsync(() => server.GenerateAsync(new GenerateRequest { Prompt = "The capital of France is", MaxTokens = 4, Temperature = 0 }));
        Assert.Contains("Paris", next.Text, StringComparison.Ordinal);
        GetStatsResponse stats = await server.Operations.GetStatsAsync(new GetStatsRequest());
        Assert.Equal(1, stats.EngineRestarts);
        Assert.NotEqual(engine, stats.EngineProcessId);
    }

    [Fact]
    public async Task TerminatedServerLetsRunningStreamsFinish()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--parallel", "4", "--context", "2048", "--drain-timeout", "60", "--verbose");
        GenerateRequest request = Endless;
        request.MaxTokens = 40;
        using var call = server.Inference.Generate(request, deadline: Streams.Deadline);
        Assert.True(await call.ResponseStream.MoveNext(default));
        server.Terminate();
        Completion completion = await call.ReadAsync();
        await server.WaitForExitAsync();
        Assert.True((FinishReason.MaxTokens, 40) == (completion.FinishReason, completion.Usage!.CompletionTokens), $"{completion}\n{server.Log}");
        Assert.Equal(0, server.ExitCode);
    }

    [Fact]
    public async Task StreamsThatOutlastTheDrainEndWithTrailersAndUsage()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--parallel", "4", "--context", "8192", "--drain-timeout", "0");
        int engine = await server.EngineProcessIdAsync();
        using var call = server.Inference.Generate(Endless, deadline: Streams.Deadline);
        Assert.True(await call.ResponseStream.MoveNext(default));
        server.Terminate();
        Completion completion = await call.ReadAsync();
        Assert.Equal(FinishReason.Cancelled, completion.FinishReason);
        Assert.True(completion.Usage!.CompletionTokens > 0);
        await server.WaitForExitAsync();
        Assert.Equal(0, server.ExitCode);
        await ServerProcess.WaitForEndAsync(engine, DeathLimit);
    }

    [Fact]
    public async Task EngineEndsWhenItsServerIsKilled()
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--parallel", "4", "--context", "2048");
        int engine = await server.EngineProcessIdAsync();
        Assert.True(engine > 0);
        server.KillAlone();
        await ServerProcess.WaitForEndAsync(engine, DeathLimit);
    }

    [Fact]
    public async Task ArchitectureThatCannotBeServedIsRefusedByName()
    {
        string model = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");
        try
        {
            // A GGUF header with one string: general.architecture = "clip".
            await using (var file = new BinaryWriter(File.Create(model)))
            {
                file.Write("GGUF"u8);
                file.Write(3u);
                file.Write(0ul);
                file.Write(1ul);
                foreach (string text in (string[])["general.architecture", "clip"])
                {
                    file.Write((ulong)text.Length);
                    file.Write(System.Text.Encoding.ASCII.GetBytes(text));
                    if (text != "clip")
                        file.Write(8u);
                }
            }
            CommandResult result = await CommandResult.RunAsync(Repository.Executable, ["serve", "--listen", "http://127.0.0.1:0", "--model", model]);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("clip", result.Error, StringComparison.Ordinal);
            Assert.Equal("", result.Out);
        }
        finally
        {
            File.Delete(model);
        }
    }

    private static async Task<T> RetryAsync<T>(Func<Task<T>> call)
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                return await call();
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable && watch.Elapsed < RestartLimit)
            {
                TimeSpan? hint = exception.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan();
                await Task.Delay(hint ?? TimeSpan.FromMilliseconds(200));
            }
        }
    }
}
