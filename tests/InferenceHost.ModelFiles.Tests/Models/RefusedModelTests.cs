using System.Text;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Models;
using InferenceHost.ModelFiles.Tests.Mutation;

namespace InferenceHost.ModelFiles.Tests.Models;

/// <summary>Each refusal names the field that is wrong.</summary>
public sealed class RefusedModelTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");

    [Theory]
    [InlineData("bert", "an embedding model")]
    [InlineData("clip", "image encoder")]
    [InlineData("t5", "encoder-decoder")]
    [InlineData("wavtokenizer-dec", "speech")]
    [InlineData("llada", "diffusion")]
    [InlineData("eagle3", "draft head")]
    [InlineData("gptj", "no graph")]
    [InlineData("llama99", "does not know")]
    public void UnservedArchitectureIsRefusedByName(string architecture, string reason)
    {
        var error = Refuse(image => image.SetString("general.architecture", architecture));
        Assert.Equal("general.architecture", error.Field);
        Assert.Contains($"'{architecture}'", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Offset);
    }

    [Fact]
    public void PlamoWithHeadsPerLayerIsRefused()
    {
        var error = Refuse(image => image.SetString("general.architecture", "plamo2")
            .SetNumbers("plamo2.attention.head_count", GgufValueType.Int32, [0, 4]));
        Assert.Equal("plamo2.attention.head_count", error.Field);
        Assert.Contains("RoPE", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void AdapterIsNotAModel() => Assert.Equal("general.type", Refuse(image => image.SetString("general.type", "adapter")).Field);

    [Theory]
    [InlineData("llama.block_count", 0u)]
    [InlineData("llama.block_count", 513u)]
    [InlineData("llama.block_count", 3u)]
    [InlineData("llama.embedding_length", 127u)]
    [InlineData("llama.attention.head_count", 5u)]
    [InlineData("llama.attention.head_count", 0u)]
    [InlineData("llama.attention.head_count_kv", 3u)]
    [InlineData("llama.attention.key_length", 0u)]
    [InlineData("llama.attention.value_length", 16u)]
    [InlineData("llama.rope.dimension_count", 31u)]
    [InlineData("llama.rope.dimension_count", 16u)]
    [InlineData("llama.feed_forward_length", 255u)]
    [InlineData("llama.expert_count", 4u)]
    [InlineData("llama.expert_used_count", 2u)]
    [InlineData("llama.nextn_predict_layers", 4u)]
    [InlineData("llama.vocab_size", 1023u)]
    [InlineData("llama.context_length", 0u)]
    [InlineData("tokenizer.ggml.bos_token_id", 1024u)]
    [InlineData("tokenizer.ggml.eos_token_id", uint.MaxValue)]
    [InlineData("general.alignment", 8u)]
    [InlineData("general.alignment", 33u)]
    public void NumberOutOfBoundsIsRefused(string key, uint value)
    {
        var error = Refuse(image => image.SetUInt32(key, value));
        Assert.NotEmpty(error.Allowed);
        Assert.Contains("found", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama.attention.layer_norm_rms_epsilon", float.NaN)]
    [InlineData("llama.attention.layer_norm_rms_epsilon", -1e-5f)]
    [InlineData("llama.rope.freq_base", 0f)]
    [InlineData("llama.rope.scaling.factor", float.PositiveInfinity)]
    [InlineData("llama.logit_scale", float.NaN)]
    public void NumberThatIsNoneIsRefused(string key, float value) => Assert.Equal(key, Refuse(image => image.SetSingle(key, value)).Field);

    [Theory]
    [InlineData("general.architecture")]
    [InlineData("llama.block_count")]
    [InlineData("llama.context_length")]
    [InlineData("llama.embedding_length")]
    [InlineData("llama.attention.layer_norm_rms_epsilon")]
    [InlineData("tokenizer.ggml.model")]
    [InlineData("tokenizer.ggml.tokens")]
    [InlineData("tokenizer.ggml.merges")]
    public void MissingKeyIsNamed(string key) => Assert.Equal(key, Refuse(image => image.Remove(key)).Field);

    [Fact]
    public void KeyOfAnotherTypeIsRefused() => Assert.Equal("llama.block_count",
        Refuse(image => image.SetSingle("llama.block_count", 4)).Field);

    [Fact]
    public void UnknownPreTokenizerIsRefused() => Assert.Equal("tokenizer.ggml.pre",
        Refuse(image => image.SetString("tokenizer.ggml.pre", "smollm9")).Field);

    [Fact]
    public void UnknownRopeScalingIsRefused() => Assert.Equal("llama.rope.scaling.type",
        Refuse(image => image.SetString("llama.rope.scaling.type", "yarm")).Field);

    [Fact]
    public void ModelWithoutCausalAttentionIsRefused() => Assert.Equal("llama.attention.causal",
        Refuse(image => image.SetBool("llama.attention.causal", false)).Field);

    [Fact]
    public void DuplicatedTokenIsRefusedWithBothIds()
    {
        var error = RefuseTokens(tokens => tokens[700] = tokens[5]);
        Assert.Contains("5 and 700", error.Found, StringComparison.Ordinal);
    }

    // The engine reads tokens up to a zero byte, so these are the same token to it.
    [Fact]
    public void TokensThatDifferBehindAZeroByteAreTheSame() =>
        Assert.Contains("5 and 700", RefuseTokens(tokens => tokens[700] = [.. tokens[5], 0, 7]).Found, StringComparison.Ordinal);

    [Fact]
    public void MalformedMergeIsRefused() => Assert.Equal("tokenizer.ggml.merges", Refuse(image =>
    {
        var merges = image.Strings("tokenizer.ggml.merges");
        merges[3] = "nospace"u8.ToArray();
        image.SetStrings("tokenizer.ggml.merges", merges);
    }).Field);

    [Fact]
    public void ShortListOfTokenTypesIsRefused() => Assert.Equal("tokenizer.ggml.token_type",
        Refuse(image => image.SetNumbers("tokenizer.ggml.token_type", GgufValueType.Int32, new int[1023])).Field);

    [Fact]
    public void ScoresThatAreNoNumbersAreRefused()
    {
        var scores = new float[1024];
        scores[9] = float.NaN;
        Assert.Contains("token 9", Refuse(image => image.SetNumbers("tokenizer.ggml.scores", GgufValueType.Float32, scores)).Found,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AddingATokenThatIsMissingIsRefused() => Assert.Equal("tokenizer.ggml.add_bos_token", Refuse(image =>
        image.SetString("tokenizer.ggml.model", "rwkv").Remove("tokenizer.ggml.bos_token_id")
            .SetBool("tokenizer.ggml.add_bos_token", true)).Field);

    [Fact]
    public void IncompleteByteTokensAreRefused()
    {
        var error = Refuse(image =>
        {
            image.SetString("tokenizer.ggml.model", "llama");
            var tokens = image.Strings("tokenizer.ggml.tokens");
            for (var b = 0; b < 255; b++)
                tokens[700 + b] = Encoding.ASCII.GetBytes($"<0x{b:X2}>");
            image.SetStrings("tokenizer.ggml.tokens", tokens);
        });
        Assert.Contains("<0xFF>", error.Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blk.2.ffn_up.weight")]
    [InlineData("output_norm.weight")]
    [InlineData("blk.0.attn_k.weight")]
    [InlineData("token_embd.weight")]
    public void MissingTensorIsNamed(string name) => Assert.Equal(name,
        Refuse(image => image.Tensors.RemoveAll(t => t.Name == name)).Field);

    [Theory]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.I32)]
    public void NormsMustBeSinglePrecision(GgmlType type) =>
        Assert.Equal("blk.1.attn_norm.weight", RefuseTensor("blk.1.attn_norm.weight", t => t.Reshape(t.Dimensions, (uint)type)).Field);

    [Theory]
    [InlineData(GgmlType.I32)]
    [InlineData(GgmlType.F64)]
    [InlineData(GgmlType.Q8_1)]
    public void MatrixOfANonWeightTypeIsRefused(GgmlType type) =>
        Assert.Equal("blk.1.attn_q.weight", RefuseTensor("blk.1.attn_q.weight", t => t.Reshape(t.Dimensions, (uint)type)).Field);

    [Fact]
    public void WithdrawnTensorTypeIsRefused() => Assert.Contains("31",
        RefuseTensor("blk.1.attn_q.weight", t => t with { Type = 31 }).Found, StringComparison.Ordinal);

    [Fact]
    public void WrongShapeIsRefusedWithBothShapes()
    {
        var error = RefuseTensor("blk.3.ffn_down.weight", t => t.Reshape([128, 256], t.Type));
        Assert.Contains("128 x 256", error.Found, StringComparison.Ordinal);
        Assert.Contains("256 x 128", error.Allowed, StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownTensorIsRefused() => Assert.Equal("blk.0.attn_sinks.weight",
        Refuse(image => image.Tensors.Add(new GgufImage.Tensor("blk.0.attn_sinks.weight", [4], 0, new byte[16]))).Field);

    [Fact]
    public void BlockBeyondTheLastIsRefused() => Assert.Equal("blk.4.attn_norm.weight",
        Refuse(image => image.Tensors.Add(new GgufImage.Tensor("blk.4.attn_norm.weight", [128], 0, new byte[512]))).Field);

    [Fact]
    public void SplitModelIsValidatedAsAWhole()
    {
        var folder = Directory.CreateTempSubdirectory("split-");
        try
        {
            var whole = GgufImage.Load(TestFiles.Tiny("llama"));
            string Part(int i) => Path.Combine(folder.FullName, $"m-{i + 1:D5}-of-00002.gguf");
            for (var i = 0; i < 2; i++)
            {
                var part = i == 0 ? whole.Clone() : new GgufImage();
                part.Tensors.Clear();
                part.Tensors.AddRange(whole.Tensors.Where((_, n) => n % 2 == i));
                part.Set("split.no", GgufValueType.UInt16, BitConverter.GetBytes((ushort)i))
                    .Set("split.count", GgufValueType.UInt16, BitConverter.GetBytes((ushort)2))
                    .Set("split.tensors.count", GgufValueType.Int32, BitConverter.GetBytes(whole.Tensors.Count));
                File.WriteAllBytes(Part(i), part.ToBytes());
            }

            ModelValidator.Validate(Part(0));
            Assert.Equal("split.no", Assert.Throws<ModelFileException>(() => ModelValidator.Validate(Part(1))).Field);
            File.Delete(Part(1));
            Assert.EndsWith("m-00002-of-00002.gguf", Assert.Throws<ModelFileException>(() => ModelValidator.Validate(Part(0))).Path,
                StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public void Dispose() => File.Delete(_path);

    private ModelFileException RefuseTokens(Action<List<byte[]>> change) => Refuse(image =>
    {
        var tokens = image.Strings("tokenizer.ggml.tokens");
        change(tokens);
        image.SetStrings("tokenizer.ggml.tokens", tokens);
    });

    private ModelFileException RefuseTensor(string name, Func<GgufImage.Tensor, GgufImage.Tensor> change) => Refuse(image =>
    {
        var i = image.Tensors.FindIndex(t => t.Name == name);
        image.Tensors[i] = change(image.Tensors[i]);
    });

    private ModelFileException Refuse(Action<GgufImage> change)
    {
        var image = GgufImage.Load(TestFiles.Tiny("llama"));
        change(image);
        File.WriteAllBytes(_path, image.ToBytes());
        return Assert.Throws<ModelFileException>(() => ModelValidator.Validate(_path));
    }
}
