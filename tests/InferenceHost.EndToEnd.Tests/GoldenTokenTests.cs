using System.Text.Json;
using InferenceHost.EndToEnd.Tests.Hosting;
using InferenceHost.Protocol.V1;
using InferenceHost.Testing;

namespace InferenceHost.EndToEnd.Tests;

/// <summary>Greedy tokens over gRPC are those of the reference implementation, alone and in company.</summary>
public sealed class GoldenTokenTests
{
    [Theory]
    [InlineData("llama")]
    [InlineData("gemma3")]
    [InlineData("lfm2")]
    [InlineData("mixtral")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public async Task GreedyTokensAreExactSoloAndTogether(string architecture)
    {
        string folder = SharedData.Require(Path.Combine("tiny", architecture));
        Reference[] references = Read(Path.Combine(folder, "reference.json"));
        await using ServerProcess server = await ServerProcess.StartAsync("--model", Path.Combine(folder, "model.gguf"), "--context", "2048", "--parallel", "8");
        foreach (Reference reference in references)
            Assert.Equal(reference.Expected, (await server.GenerateAsync(reference.ToRequest())).TokenIds);
        // Each prompt twice: more sequences than places, so some wait and join while others run.
        Completion[] together = await Task.WhenAll(references.Concat(references).Select(reference => server.GenerateAsync(reference.ToRequest())));
        for (int i = 0; i < together.Length; i++)
            Assert.Equal(references[i % references.Length].Expected, together[i].TokenIds);
    }

    private static Reference[] Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        JsonElement root = document.RootElement;
        return [.. root.GetProperty("prompts").EnumerateArray().Zip(
            root.GetProperty("base").EnumerateArray(),
            (prompt, steps) => new Reference(
                [.. prompt.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
                [.. steps.EnumerateArray().Select(step => step.GetProperty("id").GetInt32())]))];
    }

    private sealed record Reference(int[] Prompt, int[] Expected)
    {
        public GenerateRequest ToRequest() => new() { PromptTokenIds = { Prompt }, MaxTokens = Expected.Length, Temperature = 0, IgnoreEos = true };
    }
}
