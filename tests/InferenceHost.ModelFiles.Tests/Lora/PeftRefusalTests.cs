using System.Text;
using System.Text.Json.Nodes;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Lora;

public sealed class PeftRefusalTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("peft-");

    private string Output => Path.Combine(_folder.FullName, "out.gguf");

    [Theory]
    [InlineData("peft_type", "\"IA3\"")]
    [InlineData("use_dora", "true")]
    [InlineData("lora_bias", "true")]
    [InlineData("bias", "\"all\"")]
    [InlineData("modules_to_save", "[\"lm_head\"]")]
    [InlineData("trainable_token_indices", "[1]")]
    [InlineData("init_lora_weights", "\"pissa_niter_4\"")]
    [InlineData("layer_replication", "[[0, 2]]")]
    [InlineData("alora_invocation_tokens", "[1, 2]")]
    [InlineData("r", "0")]
    [InlineData("lora_alpha", "0")]
    public void VariantsAreRefusedByName(string field, string json)
    {
        Prepare(config => config[field] = JsonNode.Parse(json));
        Assert.Equal(field, Refuse().Field);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public void RankThatTheTensorsDoNotHaveIsRefused()
    {
        Prepare(config => config["r"] = 16);
        Assert.Contains("[16, inputs]", Refuse().Allowed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("self_attn.q_proj.lora_A.weight", "self_attn.x_proj.lora_A.weight", "'model.layers.")]
    [InlineData("self_attn.q_proj.lora_A.weight", "self_attn.q_proj.lora_magnit_1", "no half")]
    [InlineData("base_model.model.model.layers.0.", "base_model.model.model.layers.9.", "does not have")]
    public void UnknownTensorIsNamed(string from, string to, string reason)
    {
        Prepare(_ => { }, header => header.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(reason, Refuse().Found, StringComparison.Ordinal);
    }

    [Fact]
    public void ModuleWithItsOwnAlphaKeepsItsStrength()
    {
        Prepare(config => config["alpha_pattern"] = new JsonObject { ["v_proj"] = config["lora_alpha"]!.GetValue<double>() * 3 });
        PeftImporter.Import(_folder.FullName, TestFiles.Tiny("llama"), Output);
        using var plain = GgufFile.Open(SharedData.Require("tiny/llama/a-r4.gguf"));
        using var scaled = GgufFile.Open(Output);
        Assert.True(plain.TryGetTensor("blk.0.attn_v.weight.lora_b", out var before));
        Assert.True(scaled.TryGetTensor("blk.0.attn_v.weight.lora_b", out var after));
        Assert.Equal(GgmlType.F32, after.Type);
        for (var i = 0; i < 16; i++)
        {
            var expected = (float)BitConverter.ToHalf(plain.TensorBytes(before, i * 2, 2)) * 3;
            Assert.Equal(expected, BitConverter.ToSingle(scaled.TensorBytes(after, i * 4, 4)));
        }
    }

    [Fact]
    public void StatedModelHashIsWrittenAndChecked()
    {
        Prepare(_ => { });
        var model = TestFiles.Tiny("llama");
        var hash = ContentHash.Compute(model);
        Assert.Equal(hash, PeftImporter.Import(_folder.FullName, model, Output, "mine", hash).BaseModelSha256);
        Assert.Throws<ModelFileException>(() => LoraValidator.Validate(Output, model, new string('0', 64)));
    }

    [Fact]
    public void DamagedFoldersGiveOnlyOurError()
    {
        var tensors = File.ReadAllBytes(SharedData.Require("tiny/llama/a-r4/adapter_model.safetensors"));
        var config = File.ReadAllBytes(SharedData.Require("tiny/llama/a-r4/adapter_config.json"));
        var random = new Random(4);
        var refused = 0;
        for (var i = 0; i < 400; i++)
        {
            File.WriteAllBytes(Path.Combine(_folder.FullName, "adapter_config.json"),
                i % 4 == 0 ? Damage(config, config.Length, random) : config);
            File.WriteAllBytes(Path.Combine(_folder.FullName, "adapter_model.safetensors"),
                i % 4 == 0 ? tensors : Damage(tensors, 2000, random));
            try
            {
                PeftImporter.Import(_folder.FullName, TestFiles.Tiny("llama"), Output);
            }
            catch (ModelFileException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 100, 400);
        Assert.DoesNotContain(_folder.GetFiles(), f => f.Name.EndsWith(".import", StringComparison.Ordinal)
            || f.Name.EndsWith(".tmp", StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static byte[] Damage(byte[] bytes, int within, Random random)
    {
        if (random.Next(5) == 0)
            return bytes[..random.Next(bytes.Length)];
        var copy = (byte[])bytes.Clone();
        for (var i = random.Next(3); i >= 0; i--)
            copy[random.Next(2) == 0 ? random.Next(within) : random.Next(Math.Min(8, within))] = (byte)random.Next(256);
        return copy;
    }

    private ModelFileException Refuse() => Assert.Throws<ModelFileException>(() =>
        PeftImporter.Import(_folder.FullName, TestFiles.Tiny("llama"), Output));

    private void Prepare(Action<JsonObject> change, Func<string, string>? header = null)
    {
        var config = JsonNode.Parse(File.ReadAllText(SharedData.Require("tiny/llama/a-r4/adapter_config.json")))!.AsObject();
        change(config);
        File.WriteAllText(Path.Combine(_folder.FullName, "adapter_config.json"), config.ToJsonString());
        var bytes = File.ReadAllBytes(SharedData.Require("tiny/llama/a-r4/adapter_model.safetensors"));
        if (header is not null)
        {
            var length = (int)BitConverter.ToUInt64(bytes);
            var text = Encoding.UTF8.GetBytes(header(Encoding.UTF8.GetString(bytes, 8, length)));
            bytes = [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. bytes[(8 + length)..]];
        }

        File.WriteAllBytes(Path.Combine(_folder.FullName, "adapter_model.safetensors"), bytes);
    }
}
