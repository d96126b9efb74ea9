namespace InferenceHost.Tests;

public sealed class Smoke
{
    [Fact]
    public void DataIsFound() => Assert.True(System.IO.Directory.Exists(InferenceHost.Testing.SharedData.Require("tiny")));
}
