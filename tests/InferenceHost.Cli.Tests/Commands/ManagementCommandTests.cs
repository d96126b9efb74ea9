using System.Security.Cryptography;
using System.Text.Json;
using InferenceHost.Cli.Tests.Fakes;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Commands;

public sealed class ManagementCommandTests
{
    [Fact]
    public async Task TablesInAPipeAreAlignedAndNeverWrap()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        server.Script.Adapters.Add(new AdapterInfo { Name = "bank", Sha256 = new string('a', 64), State = AdapterState.Loaded, Rank = 16, Alpha = 32, Targets = { "attn_q", "ffn_up" }, FileBytes = 2048 });
        CliRun run = await server.RunAsync("adapters", "list");
        Assert.Equal(
            ["name  generation    state      rank  alpha  targets        size     requests", "bank  aaaaaaaaaaaa  in a slot  16    32     attn_q ffn_up  2.0 KiB  0"],
            run.OutLines);
    }

    [Fact]
    public async Task LoadShowsStagesAndEndsWithTheModel()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("models", "load", "tiny", "--replace");
        Assert.Equal("verifying the file\nloading the weights\nready\n", run.Error);
        Assert.Contains("weights:         135 M parameters, F16", run.Out, StringComparison.Ordinal);
        Assert.Equal(new LoadModelRequest { Model = "tiny", Replace = true }, server.Script.Last<LoadModelRequest>());
        await server.RunAsync("models", "load", "/srv/x.gguf");
        Assert.Equal(new LoadModelRequest { Path = "/srv/x.gguf" }, server.Script.Last<LoadModelRequest>());
    }

    [Fact]
    public async Task LoadShowsABarOnATerminalAndThenTheModel()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await CliRun.RunOnTerminalAsync(server.Endpoint, "models", "load", "tiny");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("100%", run.Out, StringComparison.Ordinal);
        Assert.Contains("135 M parameters", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ErrorsOnATerminalAreTheSameWordsInColour()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await CliRun.RunOnTerminalAsync(server.Endpoint, "adapters", "remove", "nobody\u001b[2J");
        Assert.Equal(4, run.ExitCode);
        Assert.Contains("\u001b[38;5;9merror: there is no adapter 'nobody\u241b[2J'", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadWritesEachMessageAsJson()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("models", "load", "tiny", "--json");
        Assert.Equal("", run.Error);
        Assert.Equal(["VERIFYING", "LOADING", "LOADING", "READY"], run.OutLines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("stage").GetString()));
    }

    [Fact]
    public async Task UnloadTellsHowManyRequestsEnded()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("models", "unload", "--drain-timeout", "0");
        Assert.Equal("unloaded; 2 requests finished, 1 cancelled\n", run.Out);
        Assert.True(server.Script.Last<UnloadModelRequest>() is { HasDrainTimeoutSeconds: true, DrainTimeoutSeconds: 0 });
    }

    [Fact]
    public async Task StatusFailsWhileTheServerDoesNotServe()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun serving = await server.RunAsync("status");
        Assert.Equal(0, serving.ExitCode);
        Assert.Contains("3 running, 1 waiting", serving.Out, StringComparison.Ordinal);
        server.Script.State = "draining";
        Assert.Equal(3, (await server.RunAsync("status")).ExitCode);
    }

    [Fact]
    public async Task AddUploadsEveryByteUnderANewName()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(600_000);
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");
        try
        {
            await File.WriteAllBytesAsync(file, bytes);
            await using FakeServer server = await FakeServer.StartAsync();
            CliRun run = await server.RunAsync("adapters", "add", "bank", file, "--json");
            Assert.Equal(0, run.ExitCode);
            PutAdapterHeader header = server.Script.Last<PutAdapterHeader>();
            Assert.Equal(bytes, server.Script.Uploaded);
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), header.Sha256);
            Assert.Equal(bytes.Length, header.FileBytes);
            Assert.True(header is { HasExpectedSha256: true, ExpectedSha256: "" });
            await server.RunAsync("adapters", "add", "bank", file, "--replace");
            Assert.False(server.Script.Last<PutAdapterHeader>().HasExpectedSha256);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task SwapComparesWithThePresentGeneration()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "x");
            await using FakeServer server = await FakeServer.StartAsync();
            server.Script.Adapters.Add(new AdapterInfo { Name = "bank", Sha256 = "cafe" });
            CliRun run = await server.RunAsync("adapters", "swap", "bank", file);
            Assert.Equal("cafe", server.Script.Last<PutAdapterHeader>().ExpectedSha256);
            Assert.Contains("to go back: adapters assign bank cafe", run.Error, StringComparison.Ordinal);
            await server.RunAsync("adapters", "swap", "bank", file, "--expect", "beef");
            Assert.Equal("beef", server.Script.Last<PutAdapterHeader>().ExpectedSha256);
            Assert.Equal(4, (await server.RunAsync("adapters", "swap", "nobody", file)).ExitCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task RefusalInTheMiddleOfAnUploadIsShown()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, new byte[4_000_000]);
            var failure = new Grpc.Core.RpcException(new Grpc.Core.Status(Grpc.Core.StatusCode.AlreadyExists, "the name is taken"));
            await using FakeServer server = await FakeServer.StartAsync(new Script { Failure = failure });
            CliRun run = await server.RunAsync("adapters", "add", "bank", file);
            Assert.Equal(5, run.ExitCode);
            Assert.Contains("the name is taken", run.Error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task UploadIsCheckedWhenTheServerHasSaidSo()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "x");
            await using FakeServer server = await FakeServer.StartAsync();
            Assert.Equal("reading\nuploading\nchecked by the server\n", (await server.RunAsync("adapters", "add", "bank", file)).Error);
            var failure = new Grpc.Core.RpcException(new Grpc.Core.Status(Grpc.Core.StatusCode.InvalidArgument, "it is no adapter"));
            await using FakeServer refusing = await FakeServer.StartAsync(new Script { UploadFailure = failure });
            CliRun run = await refusing.RunAsync("adapters", "add", "bank", file);
            Assert.Equal((2, "reading\nuploading\nerror: it is no adapter (INVALID_ARGUMENT)\n"), (run.ExitCode, run.Error));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task AssignAndRemoveReachTheServer()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        server.Script.Adapters.Add(new AdapterInfo { Name = "bank", Sha256 = "cafe" });
        Assert.Equal(0, (await server.RunAsync("adapters", "assign", "test", "bank", "--expect", "")).ExitCode);
        Assert.True(server.Script.Last<AssignAdapterRequest>() is { Name: "test", Target: "bank", HasExpectedSha256: true, ExpectedSha256: "" });
        Assert.Equal("removed bank\n", (await server.RunAsync("adapters", "remove", "bank")).Out);
        Assert.Equal(4, (await server.RunAsync("adapters", "remove", "nobody")).ExitCode);
    }
}
