using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Tests.Hosting;

public sealed class LoadFrameTests
{
    [Fact]
    public void NoSwapMemoryIsAnotherThingThanNothingSaid()
    {
        var model = new ServedModel("m", "/m.gguf");
        Assert.False(LoadFrame.Build(new ServerOptions(), model).HasSwapMemoryBytes);
        var none = LoadFrame.Build(new ServerOptions { SwapMemoryBytes = 0 }, model);
        Assert.Equal((true, 0L), (none.HasSwapMemoryBytes, none.SwapMemoryBytes));
    }

    [Theory]
    [InlineData("q8_0")]
    [InlineData("f16")]
    public void AdaptersAreKeptAsTheOptionSays(string type) =>
        Assert.Equal(type, LoadFrame.Build(new ServerOptions { AdapterType = type }, new ServedModel("m", "/m.gguf")).AdapterType);
}
