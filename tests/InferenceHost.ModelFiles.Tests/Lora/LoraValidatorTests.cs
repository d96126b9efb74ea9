using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.ModelFiles.Tests.Mutation;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Lora;

public sealed class LoraValidatorTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");

    [Fact]
    public void GoldenAdaptersAreAccepted()
    {
        foreach (var model in TestFiles.TinyModels.Where(m => m != "lfm2"))
        {
            foreach (var adapter in TestFiles.TinyAdapters)
            {
                var info = LoraValidator.Validate(SharedData.Require($"tiny/{model}/{adapter}.gguf"), TestFiles.Tiny(model));
                Assert.Equal(adapter switch { "a-r4" => 4, "b-r8" => 8, _ => 16 }, info.MaxRank);
                Assert.Equal(model == "mixtral" ? "llama" : model, info.Architecture);
                Assert.Contains(info.Targets, t => t.Tensor == "blk.0.attn_q.weight" && t.Inputs == 128);
            }
        }
    }

    [Theory]
    [InlineData("qwen2", "general.architecture")]
    [InlineData("mixtral", "blk.0.ffn_down.weight.lora_a")]
    public void AdapterOfAnotherModelIsRefused(string model, string field) =>
        Assert.Equal(field, Assert.Throws<ModelFileException>(() =>
            LoraValidator.Validate(SharedData.Require("tiny/llama/b-r8.gguf"), TestFiles.Tiny(model))).Field);

    [Fact]
    public void AdapterForAnotherWidthIsRefusedWithBothShapes()
    {
        var error = Assert.Throws<ModelFileException>(() => LoraValidator.Validate(SharedData.Require("tiny/llama/b-r8.gguf"),
            SharedData.DefaultModel));
        Assert.Contains("256 x 8", error.Found, StringComparison.Ordinal);
        Assert.Contains("1536 x rank", error.Allowed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("general.type", "model")]
    [InlineData("adapter.type", "control_vector")]
    public void OtherKindsAreRefused(string key, string value) => Assert.Equal(key, Refuse(image => image.SetString(key, value)).Field);

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AlphaMustBeAUsefulNumber(float alpha) => Assert.Equal("adapter.lora.alpha",
        Refuse(image => image.SetSingle("adapter.lora.alpha", alpha)).Field);

    [Fact]
    public void MissingAlphaIsRefused() => Assert.Equal("adapter.lora.alpha", Refuse(image => image.Remove("adapter.lora.alpha")).Field);

    [Fact]
    public void ActivatedAdapterIsRefused() =>
        Assert.Contains("aLoRA", Refuse(image => image.SetNumbers("adapter.alora.invocation_tokens", GgufValueType.UInt32, [1u, 2u]))
            .Found, StringComparison.Ordinal);

    [Fact]
    public void HalfAPairIsNamed() => Assert.Equal("blk.0.attn_q.weight.lora_a", Refuse(image => image.Tensors.RemoveAt(1)).Field);

    [Fact]
    public void AdapterThatChangesNothingIsRefused()
    {
        var error = Refuse(image => ReplaceAll(image, ".lora_b", t => t with { Data = new byte[t.Data.Length] }));
        Assert.Contains("zeros", error.Found, StringComparison.Ordinal);
    }

    // Minus zero is zero too.
    [Fact]
    public void NegativeZerosChangeNothing() =>
        Assert.Contains("zeros", Refuse(image => ReplaceAll(image, ".lora_b", t =>
            t with { Data = [.. t.Data.Select((_, i) => (byte)(i % 2 == 1 ? 0x80 : 0))] })).Found, StringComparison.Ordinal);

    [Theory]
    [InlineData(1e-45f)]
    [InlineData(1e-20f)]
    public void AnAlphaThatTakesEverythingAwayChangesNothing(float alpha) =>
        Assert.Contains("zeros", Refuse(image => image.SetSingle("adapter.lora.alpha", alpha)).Found, StringComparison.Ordinal);

    [Fact]
    public void HalvesThatNeverMeetChangeNothing()
    {
        const int rank = 4;
        var error = Refuse(image =>
        {
            // A acts in the first rank, B in the others.
            ReplaceAll(image, ".lora_a", t => t with { Data = [.. t.Data.Select((value, i) => i < t.Data.Length / rank ? value : (byte)0)] });
            ReplaceAll(image, ".lora_b", t => t with { Data = [.. t.Data.Select((value, i) => i / 2 % rank == 0 ? (byte)0 : value)] });
        });
        Assert.Contains("zeros", error.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void OneLivePairIsEnough()
    {
        var image = Load();
        ReplaceAll(image, ".lora_b", t => t.Name.StartsWith("blk.3.attn_v", StringComparison.Ordinal) ? t
            : t with { Data = new byte[t.Data.Length] });
        File.WriteAllBytes(_path, image.ToBytes());
        LoraValidator.Validate(_path, TestFiles.Tiny("llama"));
    }

    [Fact]
    public void InfinityIsRefusedWithItsPlace() => Assert.Contains("element 5 ",
        Refuse(image => ReplaceAll(image, "blk.2.attn_v.weight.lora_b", t =>
    {
        var data = (byte[])t.Data.Clone();
        BitConverter.GetBytes((ushort)0x7C00).CopyTo(data, 10);
        return t with { Data = data };
    })).Found, StringComparison.Ordinal);

    // The types that the engine reads: what is refused here is refused by name, what is accepted is served.
    [Theory]
    [InlineData(GgmlType.Q4_0)]
    [InlineData(GgmlType.Q8_1)]
    [InlineData(GgmlType.IQ4_NL)]
    [InlineData(GgmlType.MXFP4)]
    [InlineData(GgmlType.F64)]
    [InlineData(GgmlType.I8)]
    public void TypeThatNobodyTrainsInIsRefused(GgmlType type)
    {
        var error = Refuse(image => image.Tensors[0] = image.Tensors[0].Reshape(image.Tensors[0].Dimensions, (uint)type));
        Assert.Equal(("blk.0.attn_q.weight.lora_a", $"type {type}", "F32, F16, BF16 or Q8_0"), (error.Field, error.Found, error.Allowed));
    }

    [Fact]
    public void QuantisedAdapterIsAccepted()
    {
        var image = Load();
        ReplaceAll(image, ".lora_a", t => Blocks(t, 0x3C00, 1));
        File.WriteAllBytes(_path, image.ToBytes());
        LoraValidator.Validate(_path, TestFiles.Tiny("llama"));
    }

    [Theory]
    [InlineData(0x3C00, 0)]
    [InlineData(0x0000, 7)]
    [InlineData(0x8000, 7)]
    public void QuantisedZerosChangeNothing(int scale, int number) =>
        Assert.Contains("zeros", Refuse(image => ReplaceAll(image, ".lora_a", t => Blocks(t, scale, number))).Found,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(0x7C00)]
    [InlineData(0x7E00)]
    [InlineData(0xFC01)]
    public void QuantisedInfinityIsRefusedWithItsPlace(int scale) => Assert.Contains("element 64 ",
        Refuse(image => ReplaceAll(image, "blk.2.attn_v.weight.lora_a", t =>
    {
        var blocks = Blocks(t, 0x3C00, 1);
        BitConverter.GetBytes((ushort)scale).CopyTo(blocks.Data, 2 * 34);
        return blocks;
    })).Found, StringComparison.Ordinal);

    [Theory]
    [InlineData("blk.0.attn_norm.weight", "does not apply")]
    [InlineData("token_embd.weight", "token embedding")]
    [InlineData("blk.9.attn_q.weight", "does not have")]
    public void TargetThatIsNotSupportedIsNamed(string target, string reason)
    {
        var error = Refuse(image =>
        {
            for (var i = 0; i < 2; i++)
                image.Tensors[i] = image.Tensors[i] with { Name = target + (i == 0 ? ".lora_a" : ".lora_b") };
        });
        Assert.Equal($"{target}.lora_a", error.Field);
        Assert.Contains(reason, error.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void ExpertTensorIsRefusedByName()
    {
        var image = Load();
        for (var i = 0; i < 2; i++)
            image.Tensors[i] = image.Tensors[i] with { Name = $"blk.0.ffn_up_exps.weight.lora_{(i == 0 ? 'a' : 'b')}" };
        File.WriteAllBytes(_path, image.ToBytes());
        var error = Assert.Throws<ModelFileException>(() => LoraValidator.Validate(_path, TestFiles.Tiny("mixtral")));
        Assert.Equal("blk.0.ffn_up_exps.weight.lora_a", error.Field);
        Assert.Contains("expert", error.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void BaseHashDecidesWhereItIsStated()
    {
        var model = TestFiles.Tiny("llama");
        var hash = ContentHash.Compute(model);
        File.WriteAllBytes(_path, Load().SetString(LoraValidator.BaseHashKey, hash).ToBytes());
        Assert.Equal(hash, LoraValidator.Validate(_path, model).BaseModelSha256);
        var error = Assert.Throws<ModelFileException>(() => LoraValidator.Validate(_path, model, new string('a', 64)));
        Assert.Equal(LoraValidator.BaseHashKey, error.Field);
        Assert.Contains(hash, error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => File.Delete(_path);

    private static GgufImage Load() => GgufImage.Load(SharedData.Require("tiny/llama/a-r4.gguf"));

    private static void ReplaceAll(GgufImage image, string ending, Func<GgufImage.Tensor, GgufImage.Tensor> change)
    {
        for (var i = 0; i < image.Tensors.Count; i++)
        {
            if (image.Tensors[i].Name.EndsWith(ending, StringComparison.Ordinal))
                image.Tensors[i] = change(image.Tensors[i]);
        }
    }

    // The tensor as Q8_0, every block with this scale (the bits of a half) and this number 32 times.
    private static GgufImage.Tensor Blocks(GgufImage.Tensor tensor, int scale, int number)
    {
        byte[] block = [.. BitConverter.GetBytes((ushort)scale), .. Enumerable.Repeat((byte)number, 32)];
        return (tensor with { Data = block }).Reshape(tensor.Dimensions, (uint)GgmlType.Q8_0);
    }

    private ModelFileException Refuse(Action<GgufImage> change)
    {
        var image = Load();
        change(image);
        File.WriteAllBytes(_path, image.ToBytes());
        return Assert.Throws<ModelFileException>(() => LoraValidator.Validate(_path, TestFiles.Tiny("llama")));
    }
}
