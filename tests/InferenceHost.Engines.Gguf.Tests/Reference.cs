using System.Text.Json;
using InferenceHost.Testing;

namespace InferenceHost.Engines.Gguf.Tests;

/// <summary>A reference.json of the golden data: prompts and greedy continuations, base and per adapter.</summary>
internal sealed record Reference(string Folder, int[][] Prompts, ReferenceStep[][] Base, ReferenceAdapter[] Adapters)
{
    public static readonly string[] Architectures = ["gemma3", "lfm2", "llama", "mixtral", "qwen2", "qwen3"];

    public string ModelPath => Path.Combine(Folder, "model.gguf");

    public static Reference Tiny(string architecture) => Read(SharedData.Require(Path.Combine("tiny", architecture)));

    public static Reference Departments() => Read(SharedData.Require("adapters"));

    private static Reference Read(string folder)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        var root = document.RootElement;
        return new Reference(
            folder,
            [.. root.GetProperty("prompts").EnumerateArray().Select(prompt => prompt.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray())],
            Outputs(root.GetProperty("base")),
            [.. root.GetProperty("adapters").EnumerateArray().Select(adapter => new ReferenceAdapter(
                adapter.GetProperty("name").GetString()!,
                Path.Combine(folder, adapter.GetProperty("name").GetString()! + ".gguf"),
                Outputs(adapter.GetProperty("outputs"))))]);
    }

    private static ReferenceStep[][] Outputs(JsonElement outputs) =>
        [.. outputs.EnumerateArray().Select(prompt => prompt.EnumerateArray().Select(step => new ReferenceStep(
            step.GetProperty("id").GetInt32(),
            step.GetProperty("gap").GetDouble(),
            [.. step.GetProperty("top").EnumerateArray().Select(pair => (pair[0].GetInt32(), pair[1].GetDouble()))])).ToArray())];
}

/// <summary>One greedy step: the token, its lead over the runner-up in nats, and the best tokens with their log-probabilities.</summary>
internal sealed record ReferenceStep(int Id, double Gap, (int Id, double LogProbability)[] Top);

/// <summary>An adapter's file and its greedy continuations per prompt.</summary>
internal sealed record ReferenceAdapter(string Name, string Path, ReferenceStep[][] Outputs);
