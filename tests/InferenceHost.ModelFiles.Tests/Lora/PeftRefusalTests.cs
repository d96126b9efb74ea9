using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Lora;

public sealed class PeftRefusalTests : IDisposable
{
    private const string Q = "base_model.model.model.layers.0.self_attn.q_proj.";
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

    // Field, the field's text in the file ("-" = absent), and what is said to be found and allowed.
    [Theory]
    [InlineData("peft_type", "-", "nothing", "\"LORA\"")]
    [InlineData("peft_type", "5", "5", "\"LORA\"")]
    [InlineData("r", "-", "nothing", "a whole number, 1 to 4096")]
    [InlineData("r", "null", "null", "a whole number, 1 to 4096")]
    [InlineData("r", "\"8\"", "\"8\"", "a whole number, 1 to 4096")]
    [InlineData("r", "8.5", "8.5", "a whole number, 1 to 4096")]
    [InlineData("r", "1000000000000", "1000000000000", "a whole number, 1 to 4096")]
    [InlineData("r", "[8]", "[8]", "a whole number, 1 to 4096")]
    [InlineData("lora_alpha", "-", "nothing", "a number above 0, below 1e6")]
    [InlineData("lora_alpha", "null", "null", "a number above 0, below 1e6")]
    [InlineData("lora_alpha", "\"16\"", "\"16\"", "a number above 0, below 1e6")]
    [InlineData("lora_alpha", "-16", "-16", "a number above 0, below 1e6")]
    [InlineData("lora_alpha", "1e400", "1e400", "a number above 0, below 1e6")]
    [InlineData("lora_alpha", "true", "true", "a number above 0, below 1e6")]
    [InlineData("lora_alpha", "NaN", "invalid start of a value", "without NaN")]
    [InlineData("lora_alpha", "-Infinity", "invalid within a number", "Infinity")]
    [InlineData("bias", "null", "null", "\"none\"")]
    [InlineData("bias", "3", "3", "\"none\"")]
    [InlineData("use_rslora", "\"true\"", "\"true\"", "true or false")]
    [InlineData("use_dora", "1", "1", "true or false")]
    [InlineData("lora_bias", "{}", "{}", "true or false")]
    [InlineData("init_lora_weights", "7", "7", "gaussian")]
    [InlineData("init_lora_weights", "[\"pissa\"]", "[\"pissa\"]", "gaussian")]
    [InlineData("modules_to_save", "\"lm_head\"", "\"lm_head\"", "null")]
    [InlineData("rank_pattern", "[]", "[]", "an object of names and numbers")]
    [InlineData("alpha_pattern", "\"q_proj\"", "\"q_proj\"", "an object of names and numbers")]
    [InlineData("rank_pattern 'q_proj'", "{\"q_proj\": 2.5}", "2.5", "a whole number, 1 to 4096")]
    [InlineData("rank_pattern 'q_proj'", "{\"q_proj\": null}", "null", "a whole number, 1 to 4096")]
    [InlineData("alpha_pattern 'q_proj'", "{\"q_proj\": \"x\"}", "\"x\"", "a number above 0, below 1e6")]
    [InlineData("alpha_pattern 'q_proj'", "{\"q_proj\": 0}", "0", "a number above 0, below 1e6")]
    [InlineData("rank_pattern '(?!foo)q_proj'", "{\"(?!foo)q_proj\": 4}", "lookahead", "a regular expression without these")]
    [InlineData("alpha_pattern '(?<=x)q_proj'", "{\"(?<=x)q_proj\": 4}", "lookbehind", "a regular expression without these")]
    [InlineData("rank_pattern '(q)\\1'", "{\"(q)\\\\1\": 4}", "back reference", "a regular expression without these")]
    [InlineData("rank_pattern '((a{999}){999}){999}'", "{\"((a{999}){999}){999}\": 4}", "repetitions", "expression without these")]
    [InlineData("rank_pattern '('", "{\"(\": 4}", "Invalid pattern '(' at offset 1. Not enough )'s", "a regular expression")]
    [InlineData("rank_pattern 'x)|(q_proj'", "{\"x)|(q_proj\": 4}", "Too many )'s", "a regular expression")]
    public void FieldThatSaysNothingUsefulIsNamed(string field, string json, string found, string allowed)
    {
        var name = field.Split(' ')[0];
        Prepare(config => config.Remove(name));
        var path = Path.Combine(_folder.FullName, "adapter_config.json");
        if (json != "-")
            File.WriteAllText(path, $"{{ \"{name}\": {json}, {File.ReadAllText(path)[1..]}");
        var error = Refuse();
        Assert.Equal((path, field), (error.Path, error.Field));
        Assert.Contains(found, error.Found, StringComparison.Ordinal);
        Assert.Contains(allowed, error.Allowed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "0 bytes")]
    [InlineData("  ", "JSON tokens")]
    [InlineData("[]", "[]")]
    [InlineData("\"LORA\"", "\"LORA\"")]
    [InlineData("{\"r\": 4", "Expected a delimiter")]
    [InlineData("{\"r\": 4, \"r\": 8}", "Duplicate property 'r'")]
    [InlineData("{\"\\ud800\": 4}", "surrogate")]
    public void FileThatIsNoObjectIsNamed(string text, string found)
    {
        Prepare(_ => { });
        File.WriteAllText(Path.Combine(_folder.FullName, "adapter_config.json"), text);
        var error = Refuse();
        Assert.Equal(Path.Combine(_folder.FullName, "adapter_config.json"), error.Path);
        Assert.Contains(found, error.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void WholeRankWithAPointAndByteOrderMarkAreAccepted()
    {
        Prepare(_ => { });
        var path = Path.Combine(_folder.FullName, "adapter_config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"r\":4,", "\"r\":4.0,", StringComparison.Ordinal), Encoding.UTF8);
        Assert.Equal([0xEF, 0xBB, 0xBF], File.ReadAllBytes(path)[..3]);
        Assert.Equal(4, PeftImporter.Import(_folder.FullName, TestFiles.Tiny("llama"), Output).MaxRank);
        Assert.Contains("\"r\":4.0", File.ReadAllText(path), StringComparison.Ordinal);
    }

    // As in PEFT, re.match: from the first character, or from behind a point.
    [Theory]
    [InlineData("q_proj", 2.0)]
    [InlineData("^model\\.layers\\.0\\.self_attn\\.q_proj", 2.0)]
    [InlineData(@"layers\.(0|1)\..*", 2.0)]
    [InlineData("proj", 1.0)]
    [InlineData("k_proj", 1.0)]
    public void PatternsMatchAsInPeft(string key, double factor)
    {
        Prepare(config => config["alpha_pattern"] = new JsonObject { [key] = config["lora_alpha"]!.GetValue<double>() * 2 });
        PeftImporter.Import(_folder.FullName, TestFiles.Tiny("llama"), Output);
        using var plain = GgufFile.Open(SharedData.Require("tiny/llama/a-r4.gguf"));
        using var scaled = GgufFile.Open(Output);
        Assert.Equal(First(plain) * factor, First(scaled));

        static double First(GgufFile file)
        {
            Assert.True(file.TryGetTensor("blk.0.attn_q.weight.lora_b", out var b));
            return b.Type == GgmlType.F32 ? BitConverter.ToSingle(file.TensorBytes(b, 0, 4))
                : (double)BitConverter.ToHalf(file.TensorBytes(b, 0, 2));
        }
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

    [Theory]
    [InlineData("layers.0.self_attn.q_proj.lora_A.weight")]
    [InlineData("base_model.model.layers.0.self_attn.q_proj.lora_A.weight")]
    [InlineData("base_model.model.base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight")]
    public void NameThatBeginsInAnotherWayIsToldHowNamesBegin(string name)
    {
        Prepare(_ => { });
        WriteTensors((name, [4, 128], Ones(512)));
        var error = Refuse();
        Assert.Equal((name, $"names like {Q}lora_A.weight"), (error.Field, error.Allowed));
    }

    // Some tools write them so.
    [Fact]
    public void NamesWithoutThePrefixAreTheSameModules()
    {
        Prepare(_ => { }, header => header.Replace("base_model.model.", "", StringComparison.Ordinal));
        PeftImporter.Import(_folder.FullName, TestFiles.Tiny("llama"), Output, "A R4");
        Assert.Equal(File.ReadAllBytes(SharedData.Require("tiny/llama/a-r4.gguf")), File.ReadAllBytes(Output));
    }

    // What only the finished adapter shows is said of the user's file: the draft is gone by then.
    [Theory]
    [InlineData("zeros", "lora_b", "zeros in every pair, or products that count as zeros")]
    [InlineData("nan", Q + "lora_A.weight", "element 3 is infinite or not a number (converted to blk.0.attn_q.weight.lora_a)")]
    [InlineData("only-a", Q + "lora_A.weight", "one half of a pair (converted to blk.0.attn_q.weight.lora_a)")]
    [InlineData("none", "tensor count", "0")]
    [InlineData("width", Q + "lora_A.weight", "shape 64 x 4 (converted to blk.0.attn_q.weight.lora_a)")]
    public void RefusalNamesTheFolderAndItsTensors(string kind, string field, string found)
    {
        Prepare(_ => { });
        (string, int[], Half[])[] tensors = kind switch
        {
            "zeros" => [(Q + "lora_A.weight", [4, 128], Ones(512)), (Q + "lora_B.weight", [128, 4], new Half[512])],
            "nan" => [(Q + "lora_A.weight", [4, 128], [.. Ones(3), Half.NaN, .. Ones(508)]), (Q + "lora_B.weight", [128, 4], Ones(512))],
            "only-a" => [(Q + "lora_A.weight", [4, 128], Ones(512))],
            "width" => [(Q + "lora_A.weight", [4, 64], Ones(256)), (Q + "lora_B.weight", [128, 4], Ones(512))],
            _ => [],
        };
        WriteTensors(tensors);
        var error = Refuse();
        Assert.Equal((Path.Combine(_folder.FullName, "adapter_model.safetensors"), field, found, false),
            (error.Path, error.Field, error.Found, error.IsMissing));
        Assert.Equal(2, _folder.GetFiles().Length);
    }

    [Theory]
    [InlineData("adapter_model.bin", "pickle")]
    [InlineData("adapter_model-00001-of-00002.safetensors", "several files")]
    [InlineData("adapter_model.safetensors.index.json", "several files")]
    public void OtherFormsOfTheTensorsAreNamedWithTheRemedy(string file, string found)
    {
        Prepare(_ => { });
        File.Move(Path.Combine(_folder.FullName, "adapter_model.safetensors"), Path.Combine(_folder.FullName, file));
        var error = Refuse();
        Assert.Equal((Path.Combine(_folder.FullName, file), "one file adapter_model.safetensors", false),
            (error.Path, error.Allowed, error.IsMissing));
        Assert.Contains(found, error.Found, StringComparison.Ordinal);
        Assert.Contains("safe_serialization=True", error.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public void FileThatIsNotThereIsMissing(string file)
    {
        Prepare(_ => { });
        File.Delete(Path.Combine(_folder.FullName, file));
        var error = Refuse();
        Assert.Equal((Path.Combine(_folder.FullName, file), true), (error.Path, error.IsMissing));
    }

    [Fact]
    public void StrengthThatOnlyStabilisedRanksGiveIsRefusedWithBothNumbers()
    {
        Prepare(config => (config["lora_alpha"], config["use_rslora"]) = (600_000, true));
        var error = Refuse();
        Assert.Equal(("lora_alpha", "600000 * sqrt(4), as use_rslora is true"), (error.Field, error.Found));
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

    private static Half[] Ones(int count) => [.. Enumerable.Repeat((Half)1, count)];

    private void WriteTensors(params (string Name, int[] Shape, Half[] Numbers)[] tensors)
    {
        var (header, data) = (new JsonObject(), new List<byte>());
        foreach (var (name, shape, numbers) in tensors)
        {
            var start = data.Count;
            data.AddRange(MemoryMarshal.AsBytes(numbers.AsSpan()));
            header[name] = new JsonObject
            {
                ["dtype"] = "F16",
                ["shape"] = new JsonArray([.. shape]),
                ["data_offsets"] = new JsonArray(start, data.Count),
            };
        }

        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(Path.Combine(_folder.FullName, "adapter_model.safetensors"),
            [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. data]);
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
