using System.Runtime.InteropServices;
using System.Text.Json;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Lora;

namespace InferenceHost.ModelFiles.Tests.Lora;

/// <summary>
/// A model of any architecture that has only the matrices an adapter changes, and PEFT folders for it. Every element of B says which row
/// it came from, every element of A its column: where a row of the module went can be read off the imported file.
/// </summary>
internal sealed class PeftCase : IDisposable
{
    private const int Rank = 2;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("peft-");

    private string ModelPath => Path.Combine(_folder.FullName, "model.gguf");

    private string Output => Path.Combine(_folder.FullName, "out.gguf");

    /// <summary>Writes a model of two layers with the given matrices in each.</summary>
    public PeftCase Model(string architecture, int heads, int headsKv, int embedding,
        params (string Name, int Inputs, int Outputs)[] matrices)
    {
        var writer = new GgufWriter().Add("general.architecture", architecture).Add($"{architecture}.context_length", 64u)
            .Add($"{architecture}.embedding_length", (uint)embedding).Add($"{architecture}.block_count", 2u)
            .Add($"{architecture}.attention.head_count", (uint)heads).Add($"{architecture}.attention.head_count_kv", (uint)headsKv);
        Write(writer, matrices);
        return this;
    }

    /// <summary>As <see cref="Model"/>, for a RoPE with sections that turns the first <paramref name="rotated"/> rows of a head.</summary>
    public PeftCase SectionedModel(int heads, int headsKv, int embedding, int rotated,
        params (string Name, int Inputs, int Outputs)[] matrices)
    {
        var writer = new GgufWriter().Add("general.architecture", "glm4").Add("glm4.context_length", 64u)
            .Add("glm4.embedding_length", (uint)embedding).Add("glm4.block_count", 2u).Add("glm4.attention.head_count", (uint)heads)
            .Add("glm4.attention.head_count_kv", (uint)headsKv).Add("glm4.rope.dimension_count", (uint)rotated)
            .Add("glm4.rope.dimension_sections", 1u);
        Write(writer, matrices);
        return this;
    }

    /// <summary>Imports an adapter of these modules.</summary>
    /// <param name="config">Further lines of adapter_config.json.</param>
    /// <param name="modules">Name below <c>base_model.model.</c>, inputs and outputs.</param>
    public Dictionary<string, Pair> Import(string config, params (string Module, int Inputs, int Outputs)[] modules)
    {
        WriteFolder(config, modules);
        PeftImporter.Import(_folder.FullName, ModelPath, Output);
        using var file = GgufFile.Open(Output);
        var pairs = new Dictionary<string, Pair>();
        foreach (var a in file.Tensors.Where(t => t.Name.EndsWith(".lora_a", StringComparison.Ordinal)))
        {
            var name = a.Name[..^".lora_a".Length];
            Assert.True(file.TryGetTensor($"{name}.lora_b", out var b));
            var rows = Numbers(file, b).Where((_, i) => i % Rank == 0).Select(number => (int)number - 1);
            pairs.Add(name, new Pair(a.ShapeText, b.ShapeText, Numbers(file, a), [.. rows]));
        }

        return pairs;
    }

    /// <summary>Expects that the import is refused.</summary>
    public ModelFileException Refuse(params (string Module, int Inputs, int Outputs)[] modules)
    {
        WriteFolder("", modules);
        return Assert.Throws<ModelFileException>(() => PeftImporter.Import(_folder.FullName, ModelPath, Output));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Write(GgufWriter writer, (string Name, int Inputs, int Outputs)[] matrices)
    {
        for (var layer = 0; layer < 2; layer++)
        {
            foreach (var (name, inputs, outputs) in matrices.Where(m => layer == 0 || m.Name != "output"))
                writer.AddTensor(name == "output" ? "output.weight" : $"blk.{layer}.{name}.weight", [inputs, outputs], GgmlType.F32,
                    new byte[4 * inputs * outputs]);
        }

        writer.Write(ModelPath);
    }

    private void WriteFolder(string config, (string Module, int Inputs, int Outputs)[] modules)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "adapter_config.json"),
            $$"""{ {{config}} "peft_type": "LORA", "r": {{Rank}}, "lora_alpha": {{Rank}}, "bias": "none" }""");
        var header = new Dictionary<string, object>();
        var data = new List<float>();
        foreach (var (module, inputs, outputs) in modules)
        {
            Add($"base_model.model.{module}.lora_A.weight", Rank, inputs, (_, column) => column + 1);
            Add($"base_model.model.{module}.lora_B.weight", outputs, Rank, (row, _) => row + 1);
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        File.WriteAllBytes(Path.Combine(_folder.FullName, "adapter_model.safetensors"),
            [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. MemoryMarshal.AsBytes(data.ToArray().AsSpan())]);

        void Add(string name, int rows, int columns, Func<int, int, float> value)
        {
            var from = data.Count * 4;
            for (var i = 0; i < rows * columns; i++)
                data.Add(value(i / columns, i % columns));
            header.Add(name, new { dtype = "F32", shape = new[] { rows, columns }, data_offsets = new[] { from, data.Count * 4 } });
        }
    }

    private static float[] Numbers(GgufFile file, GgufTensor tensor) =>
        MemoryMarshal.Cast<byte, float>(file.TensorBytes(tensor, 0, (int)tensor.ByteLength)).ToArray();

    /// <summary>An imported pair: both shapes, the numbers of A, and for each row of B the row of the module it came from.</summary>
    internal sealed record Pair(string ShapeA, string ShapeB, float[] A, int[] Rows);
}
