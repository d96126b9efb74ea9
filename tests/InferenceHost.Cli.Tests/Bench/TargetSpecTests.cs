using InferenceHost.Cli.Bench;
using InferenceHost.Cli.Bench.Targets;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class TargetSpecTests
{
    [Fact]
    public void SettingsFollowTheAddress()
    {
        var specs = TargetSpec.ParseAll(["grpc=http://127.0.0.1:50051", "llama=http://h:1,name=yard,cache=off", "openai=https://h/v1,api=chat,adapters=off"]);
        Assert.Equal([
            new TargetSpec(TargetKind.Grpc, new Uri("http://127.0.0.1:50051"), "inferencehost", true, null, false),
            new TargetSpec(TargetKind.Llama, new Uri("http://h:1"), "yard", true, false, false),
            new TargetSpec(TargetKind.OpenAi, new Uri("https://h/v1"), "openai", false, null, true),
        ], specs);
    }

    [Fact]
    public void TargetsWithoutANameGetOneOfTheirOwn() =>
        Assert.Equal(["inferencehost", "inferencehost-2"], TargetSpec.ParseAll(["grpc=http://a", "grpc=http://b"]).Select(spec => spec.Name));

    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("vllm=http://127.0.0.1:1", "vllm")]
    [InlineData("grpc=127.0.0.1:1", "127.0.0.1:1")]
    [InlineData("grpc=ftp://h", "ftp://h")]
    [InlineData("grpc=http://h,colour=red", "colour=red")]
    [InlineData("grpc=http://h,cache=maybe", "cache=maybe")]
    [InlineData("grpc=http://h,api=chat", "api=chat")]
    [InlineData("openai=http://h,api=embed", "api=embed")]
    [InlineData("grpc=http://h,name=", "name=")]
    public void WrongTargetsAreNamed(string value, string? part = null)
    {
        var error = Assert.Throws<BenchException>(() => TargetSpec.ParseAll([value]));
        Assert.StartsWith("--target: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(part ?? value, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoTargetAndTheSameNameTwiceAreRefused()
    {
        Assert.Throws<BenchException>(() => TargetSpec.ParseAll([]));
        Assert.Contains("'x'", Assert.Throws<BenchException>(() => TargetSpec.ParseAll(["grpc=http://a,name=x", "llama=http://b,name=x"])).Message, StringComparison.Ordinal);
    }
}
