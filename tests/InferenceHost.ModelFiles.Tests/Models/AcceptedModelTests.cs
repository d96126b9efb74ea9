using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Models;

public sealed class AcceptedModelTests
{
    [Theory]
    [InlineData("llama")]
    [InlineData("mixtral")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("gemma3")]
    [InlineData("lfm2")]
    public void TinyModelsAreAccepted(string name) => ModelValidator.Validate(TestFiles.Tiny(name));

    [Fact]
    public void DefaultModelIsAccepted() => ModelValidator.Validate(SharedData.DefaultModel);

    [Theory]
    [InlineData("llmjp31")]
    [InlineData("llmjp4")]
    public void VocabularyFilesAreAcceptedAsSuchOnly(string name)
    {
        var path = SharedData.Require($"tokenizers/{name}.vocab.gguf");
        ModelValidator.Validate(path, vocabularyOnly: true);
        var error = Assert.Throws<ModelFileException>(() => ModelValidator.Validate(path));
        Assert.Equal("tensor count", error.Field);
    }

    [Fact]
    public void TensorsLieWhereTheFileSays()
    {
        using var file = GgufFile.Open(TestFiles.Tiny("qwen2"));
        Assert.Equal(3u, file.Version);
        Assert.Equal(50, file.Tensors.Count);
        Assert.True(file.TryGetTensor("blk.1.ffn_gate.weight", out var tensor));
        Assert.Equal(GgmlType.F16, tensor.Type);
        Assert.True(tensor.HasShape(128, 256));
        Assert.Equal(65_536, tensor.ByteLength);
        Assert.Equal(file.DataOffset + 625_152, tensor.Offset);
        Assert.Equal(file.Length, file.Tensors[^1].Offset + file.Tensors[^1].ByteLength);
    }
}
