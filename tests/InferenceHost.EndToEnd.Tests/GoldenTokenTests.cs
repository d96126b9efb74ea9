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
        // One adapter comes as PEFT saved it: the command converts it on its way to the server.
        string[] adapters = [.. references.Select(reference => reference.Adapter).OfType<string>().Distinct()
            .SelectMany(name => new[] { "--adapter", $"{name}={Path.Combine(folder, name + (name == "b-r8" ? "" : ".gguf"))}" })];
        await using ServerProcess server = await ServerProcess.StartAsync(
            ["--model", Path.Combine(folder, "model.gguf"), "--context", "4096", "--parallel", "16", .. adapters]);
        foreach (Reference reference in references.Where(reference => reference.Adapter is null))
            Assert.Equal(reference.Expected, (await server.GenerateAsync(reference.ToRequest())).TokenIds);
        // All at once: more sequences than places, so some join while others run, and rows of all adapters share a batch.
        Completion[] together = await Task.WhenAll(references.Select(reference => server.GenerateAsync(reference.ToRequest())));
        for (int i = 0; i < together.Length; i++)
            Assert.True(references[i].Expected.SequenceEqual(together[i].TokenIds), $"{references[i].Adapter ?? "base"}: {string.Join(' ', together[i].TokenIds)}");
    }

    private static Reference[] Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        JsonElement root = document.RootElement;
        int[][] prompts = [.. root.GetProperty("prompts").EnumerateArray().Select(prompt => Ids(prompt.GetProperty("ids")))];
        var references = new List<Reference>(Pair(prompts, root.GetProperty("base"), null));
        if (root.TryGetProperty("adapters", out JsonElement adapters))
        {
            foreach (JsonElement adapter in adapters.EnumerateArray())
                references.AddRange(Pair(prompts, adapter.GetProperty("outputs"), adapter.GetProperty("name").GetString()));
        }
        return [.. references];
    }

    private static IEnumerable<Reference> Pair(int[][] prompts, JsonElement outputs, string? adapter) =>
        prompts.Zip(outputs.EnumerateArray(), (prompt, steps) => new Reference(prompt, [.. steps.EnumerateArray().Select(step => step.GetProperty("id").GetInt32())], adapter)).ToArray();

    private static int[] Ids(JsonElement ids) => [.. ids.EnumerateArray().Select(id => id.GetInt32())];

    private sealed record Reference(int[] Prompt, int[] Expected, string? Adapter)
    {
        public GenerateRequest ToRequest()
        {
            var request = new GenerateRequest { PromptTokenIds = { Prompt }, MaxTokens = Expected.Length, Temperature = 0, IgnoreEos = true };
            if (Adapter is not null)
                request.Adapter = Adapter;
            return request;
        }
    }
}
