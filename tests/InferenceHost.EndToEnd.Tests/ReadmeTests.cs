using InferenceHost.EndToEnd.Tests.Hosting;

namespace InferenceHost.EndToEnd.Tests;

/// <summary>What README.md shows is what happens: its examples run against a server on another port.</summary>
[Collection(DefaultServer.Collection)]
public sealed class ReadmeTests(DefaultServer fixture)
{
    private readonly ServerProcess _server = fixture.Server;

    private static string Departments => Readme.Blocks("bash").Single(block => block.Contains("for name in", StringComparison.Ordinal));

    private static string PythonModules => Readme.Blocks("bash").Single(block => block.Contains("--python_out", StringComparison.Ordinal));

    /// <summary>Bash examples behind the two commands that build and test, except those with a test of their own.</summary>
    public static TheoryData<string> Examples => [.. Readme.Blocks("bash").Skip(2).Except([Departments, PythonModules])];

    [Fact]
    public void FirstBlockServesAndSecondTestsInOneLineEach()
    {
        IReadOnlyList<string> blocks = Readme.Blocks("bash");
        Assert.Equal("dotnet run -c Release --project src/InferenceHost.Cli -- serve", blocks[0]);
        Assert.Matches("^dotnet test -c Release[^\n]*$", blocks[1]);
        Assert.True(File.ReadAllLines(Readme.Path).Length <= 150);
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task ExampleRuns(string script)
    {
        if (script.Contains("buf curl", StringComparison.Ordinal))
            await PeerTools.RequireNodeModulesAsync();
        using var folder = new TemporaryFolder();
        CommandResult result = await BashAsync(script, folder);
        Assert.NotEqual("", result.Succeeded().Out.Trim());
    }

    [Fact]
    public async Task FourDepartmentsAnswerOneQuestionEachInItsOwnStyle()
    {
        using var folder = new TemporaryFolder();
        CommandResult result = await BashAsync(Departments, folder);
        foreach (string style in (string[])["\"department\"", "Ward note:", "Dear citizen", "[Line control]"])
            Assert.Contains(style, result.Succeeded().Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PythonExampleRuns()
    {
        await PeerTools.RequirePythonGrpcAsync();
        using var folder = new TemporaryFolder();
        (await BashAsync(PythonModules, folder)).Succeeded();
        string python = Adapt(Assert.Single(Readme.Blocks("python")), folder);
        CommandResult result = await CommandResult.RunAsync(PeerTools.Python, ["-c", python]);
        Assert.NotEqual("", result.Succeeded().Out.Trim());
    }

    [Fact]
    public async Task CSharpExampleRuns()
    {
        // In the repository, so that the versions of packages are those of the repository; the folder is ignored by Git.
        using var folder = new TemporaryFolder(Path.Combine(Repository.Root, "artifacts"));
        string source = Adapt(Assert.Single(Readme.Blocks("csharp")), folder).Replace("#:project src/", $"#:project {Repository.Root}/src/", StringComparison.Ordinal);
        string file = Path.Combine(folder.Path, "hello.cs");
        await File.WriteAllTextAsync(file, source);
        CommandResult result = await CommandResult.RunAsync("dotnet", ["run", "-c", Repository.Configuration, file], directory: folder.Path);
        Assert.NotEqual("", result.Succeeded().Out.Trim());
    }

    private Task<CommandResult> BashAsync(string script, TemporaryFolder folder)
    {
        var environment = new Dictionary<string, string>
        {
            ["INFERENCEHOST_ENDPOINT"] = _server.Endpoint.ToString(),
            ["PATH"] = $"{Path.GetDirectoryName(PeerTools.Buf)}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        return CommandResult.RunAsync("bash", ["-euo", "pipefail", "-c", Adapt(script, folder)], environment: environment);
    }

    // Same text, other ports and places.
    private string Adapt(string example, TemporaryFolder folder) => example
        .Replace("http://127.0.0.1:8080", _server.HttpEndpoint!.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal)
        .Replace("127.0.0.1:50051", _server.Endpoint.Authority, StringComparison.Ordinal)
        .Replace("src/InferenceHost.Cli/bin/Release/net10.0/inferencehost", Repository.Executable, StringComparison.Ordinal)
        .Replace("artifacts/python", Path.Combine(folder.Path, "python"), StringComparison.Ordinal);
}
