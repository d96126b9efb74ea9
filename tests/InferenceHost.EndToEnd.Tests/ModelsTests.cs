using Grpc.Core;
using InferenceHost.EndToEnd.Tests.Hosting;
using InferenceHost.Protocol.V1;
using InferenceHost.Testing;

namespace InferenceHost.EndToEnd.Tests;

/// <summary>Models that come and go while the server stays.</summary>
public sealed class ModelsTests
{
    [Fact]
    public async Task ModelIsReplacedUnloadedAndLoadedAgainFromTheCommandLine()
    {
        string tiny = SharedData.Require("tiny/llama/model.gguf");
        await using ServerProcess server = await ServerProcess.StartAsync("--parallel", "4", "--context", "2048");
        CommandResult occupied = await server.RunAsync("models", "load", tiny);
        Assert.Equal(5, occupied.ExitCode);
        CommandResult replaced = await server.RunAsync("models", "load", tiny, "--replace");
        Assert.Contains("ready", replaced.Succeeded().Error, StringComparison.Ordinal);
        CommandResult inspected = await server.RunAsync("models", "inspect", "--json");
        Assert.Equal(tiny, DescribeModelResponse.Parser.ParseJson(inspected.Succeeded().Out).Info.Path);

        (await server.RunAsync("models", "unload")).Succeeded();
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.GenerateAsync(new GenerateRequest { Prompt = "x", MaxTokens = 1 }));
        Assert.True(refused.StatusCode is StatusCode.FailedPrecondition or StatusCode.Unavailable or StatusCode.NotFound, $"{refused.Status}");
        Assert.Equal(3, (await server.RunAsync("status")).ExitCode);

        (await server.RunAsync("models", "load", "SmolLM2-135M-Instruct")).Succeeded();
        Completion completion = await server.GenerateAsync(new GenerateRequest { Prompt = "The capital of France is", MaxTokens = 4, Temperature = 0 });
        Assert.Contains("Paris", completion.Text, StringComparison.Ordinal);
    }
}
