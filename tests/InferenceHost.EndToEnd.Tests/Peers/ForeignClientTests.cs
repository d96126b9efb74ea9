using System.Text.Json;
using InferenceHost.EndToEnd.Tests.Hosting;

namespace InferenceHost.EndToEnd.Tests.Peers;

/// <summary>gRPC implementations that share no code with ours.</summary>
[Collection(DefaultServer.Collection)]
public sealed class ForeignClientTests(DefaultServer fixture)
{
    private const int InvalidArgument = 3;
    private const int DeadlineExceeded = 4;
    private readonly ServerProcess _server = fixture.Server;

    [Fact]
    public async Task GrpcJsStreamsCancelsAndReadsRefusals()
    {
        await PeerTools.RequireNodeModulesAsync();
        CommandResult result = await CommandResult.RunAsync(
            "node", [Path.Combine(Repository.Peers, "client.mjs"), _server.Endpoint.Authority, Repository.Protos, Repository.GoogleProtos]);
        JsonElement seen = JsonDocument.Parse(result.Succeeded().Out).RootElement;
        JsonElement generated = seen.GetProperty("generated");
        Assert.Contains("Paris", generated.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal("MAX_TOKENS", generated.GetProperty("finish_reason").GetString());
        Assert.Equal(8, generated.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(InvalidArgument, seen.GetProperty("refused").GetProperty("code").GetInt32());
        Assert.Equal(1, seen.GetProperty("refused").GetProperty("details").GetInt32());
        Assert.Equal(1, seen.GetProperty("cancelled").GetProperty("code").GetInt32());
        Assert.Equal(DeadlineExceeded, seen.GetProperty("late").GetProperty("code").GetInt32());
        Assert.Equal(200, seen.GetProperty("round_trips").GetInt32());
    }

    [Fact]
    public async Task PythonGrpcioStreamsCompressesCancelsAndReadsRefusals()
    {
        await PeerTools.RequirePythonGrpcAsync();
        using var folder = new TemporaryFolder();
        await PeerTools.GeneratePythonAsync(folder.Path);
        CommandResult result = await CommandResult.RunAsync(PeerTools.Python, [Path.Combine(Repository.Peers, "client.py"), _server.Endpoint.Authority, folder.Path]);
        JsonElement seen = JsonDocument.Parse(result.Succeeded().Out).RootElement;
        Assert.Contains("Paris", seen.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal(seen.GetProperty("text").GetString(), seen.GetProperty("compressed").GetString());
        Assert.Equal("MAX_TOKENS", seen.GetProperty("finish_reason").GetString());
        Assert.Equal("INVALID_ARGUMENT", seen.GetProperty("refused").GetProperty("code").GetString());
        Assert.True(seen.GetProperty("refused").GetProperty("details").GetBoolean());
        Assert.Equal("DEADLINE_EXCEEDED", seen.GetProperty("late").GetProperty("code").GetString());
        Assert.Equal("CANCELLED", seen.GetProperty("cancelled").GetString());
        Assert.Equal("日本語", seen.GetProperty("round_trip").GetString());
    }

    [Fact]
    public async Task BufCurlFindsTheApiByReflection()
    {
        await PeerTools.RequireNodeModulesAsync();
        Assert.SkipUnless(File.Exists(PeerTools.Buf), "buf has no binary for this platform");
        CommandResult listed = await BufAsync("--list-methods", _server.Endpoint.ToString());
        Assert.Contains("inferencehost.v1.Inference/Generate", listed.Succeeded().Out, StringComparison.Ordinal);
        CommandResult generated = await BufAsync(
            "-d", """{"prompt": "The capital of France is", "max_tokens": 8, "temperature": 0}""", new Uri(_server.Endpoint, "inferencehost.v1.Inference/Generate").ToString());
        Assert.Contains("Paris", generated.Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("\"finishReason\": \"MAX_TOKENS\"", generated.Out.Replace("\":\"", "\": \"", StringComparison.Ordinal), StringComparison.Ordinal);
        CommandResult health = await BufAsync("-d", "{}", new Uri(_server.Endpoint, "grpc.health.v1.Health/Check").ToString());
        Assert.Contains("SERVING", health.Succeeded().Out, StringComparison.Ordinal);
        CommandResult refused = await BufAsync("-d", """{"prompt": "x", "max_tokens": -1}""", new Uri(_server.Endpoint, "inferencehost.v1.Inference/Generate").ToString());
        // buf's exit code is the status shifted by three.
        Assert.Equal(InvalidArgument << 3, refused.ExitCode);
        Assert.Contains("max_tokens", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlainCurlGetsJsonLinesAndJsonErrors()
    {
        PeerTools.RequireProgram("curl");
        string url = new Uri(_server.HttpEndpoint!, "v1/generate").ToString();
        CommandResult streamed = await CommandResult.RunAsync("curl", ["-sSN", "--json", """{"prompt": "The capital of France is", "maxTokens": 8, "temperature": 0}""", url]);
        JsonElement[] messages = [.. streamed.Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Contains("Paris", string.Concat(messages.Select(message => message.GetProperty("text").GetString())), StringComparison.Ordinal);
        Assert.Equal("MAX_TOKENS", messages[^1].GetProperty("finishReason").GetString());
        CommandResult refused = await CommandResult.RunAsync("curl", ["-sS", "-w", "\n%{http_code}", "--json", """{"prompt": "x", "maxTokens": -1}""", url]);
        Assert.EndsWith("\n400", refused.Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("max_tokens", refused.Out, StringComparison.Ordinal);
        CommandResult stats = await CommandResult.RunAsync("curl", ["-sS", new Uri(_server.HttpEndpoint!, "v1/stats").ToString()]);
        Assert.Equal("serving", JsonDocument.Parse(stats.Succeeded().Out).RootElement.GetProperty("state").GetString());
    }

    private static Task<CommandResult> BufAsync(params string[] args) =>
        CommandResult.RunAsync(PeerTools.Buf, ["curl", "--protocol", "grpc", "--http2-prior-knowledge", .. args]);
}
