using InferenceHost.EndToEnd.Tests.Hosting;
using InferenceHost.Protocol.V1;
using InferenceHost.Testing;

namespace InferenceHost.EndToEnd.Tests;

/// <summary>A KV pool that holds one of its streams, and hardly a second one.</summary>
public sealed class SwappingTests
{
    private const int NewTokens = 300;

    // The best token of this model leads by 0.3 nats at least all the way here; other rows in the batch move that by less than 0.01.
    private static readonly string[] Prompts = ["The bank", "Wear a face shield", "ライン", "保険", "異音", "口座"];

    [Theory]
    [InlineData("67108864", true)]
    [InlineData("0", false)]
    public async Task PreemptedStreamsEndAsIfTheyHadRunAlone(string swapMemory, bool swaps)
    {
        string model = SharedData.Require("tiny/llama/model.gguf");
        await using ServerProcess server = await ServerProcess.StartAsync(
            "--model", model, "--context", "512", "--parallel", "6", "--swap-memory", swapMemory, "--no-speculation");

        Completion[] together = await Task.WhenAll(Prompts.Select(prompt => server.GenerateAsync(Request(prompt))));
        LoadedModelStats engine = (await server.Operations.GetStatsAsync(new GetStatsRequest())).Engine;
        Assert.True(engine.Preemptions > 0 && (engine.SwappedOutTokens > 0) == swaps && (engine.SwappedInTokens > 0) == swaps, engine.ToString());
        Assert.Equal((0, 0, 0L), (engine.Running, engine.Waiting, engine.SwapBytesHeld));

        for (int i = 0; i < Prompts.Length; i++)
        {
            Completion alone = await server.GenerateAsync(Request(Prompts[i]));
            Assert.Equal(NewTokens, alone.TokenIds.Count);
            Assert.Equal(alone.TokenIds, together[i].TokenIds);
        }
    }

    private static GenerateRequest Request(string prompt) => new() { Prompt = prompt, MaxTokens = NewTokens, Temperature = 0, IgnoreEos = true };
}
