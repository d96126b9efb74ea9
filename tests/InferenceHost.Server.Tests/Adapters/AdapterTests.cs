using Google.Protobuf;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Tests.Scripted;
using InferenceHost.Testing;
using static InferenceHost.Server.Tests.Scripted.AdapterUploads;
using AdaptersClient = InferenceHost.Protocol.V1.Adapters.AdaptersClient;

namespace InferenceHost.Server.Tests.Adapters;

public sealed class AdapterTests
{
    private static readonly Lazy<byte[]> s_a = new(() => File.ReadAllBytes(SharedData.Require("tiny/llama/a-r4.gguf")));
    private static readonly Lazy<byte[]> s_b = new(() => File.ReadAllBytes(SharedData.Require("tiny/llama/b-r8.gguf")));

    [Fact]
    public async Task UploadIsCheckedStoredAndServed()
    {
        var probe = new ScriptedProbe();
        var script = new AdapterScript();
        await using var server = await StartAsync(script, probe);
        var client = new AdaptersClient(server.Channel);
        var info = await PutAsync(client, "a", s_a.Value, sha256: Hash(s_a.Value).ToUpperInvariant());
        Assert.Equal(("a", Hash(s_a.Value), 4, "llama", (long)s_a.Value.Length), (info.Name, info.Sha256, info.Rank, info.Architecture, info.FileBytes));
        Assert.Equal(["attn_q", "attn_v"], info.Targets);
        Assert.Equal(Protocol.V1.AdapterState.Cached, info.State);
        Assert.Equal(1, probe.Runs);

        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait", Adapter = "a", AdapterScale = 0.5f });
        var submit = await server.Engine.NextSubmitAsync();
        Assert.Equal((Hash(s_a.Value), 0.5f), (submit.Adapter, submit.AdapterScale));
        Assert.Equal(1, (await client.DescribeAsync(new DescribeAdapterRequest { Name = "a" })).ActiveRequests);
        Assert.Equal([$"load {Hash(s_a.Value)[..8]}"], script.Calls);
        Assert.Equal(["a"], (await client.ListAsync(new ListAdaptersRequest())).Adapters.Select(x => x.Name));
    }

    [Fact]
    public async Task UnknownAdapterIsNotFoundWithResourceInfo()
    {
        await using var server = await StartAsync(new AdapterScript());
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "x", Adapter = "nobody" });
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal((StatusCode.NotFound, "ADAPTER_NOT_FOUND"), (error.StatusCode, error.Info().Reason));
    }

    [Fact]
    public async Task ReplacementIsCompareAndSwapAndRunningRequestsKeepTheirGeneration()
    {
        var script = new AdapterScript();
        await using var server = await StartAsync(script);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "x", s_a.Value);
        using var old = server.Inference.Generate(new GenerateRequest { Prompt = "wait", Adapter = "x" });
        var oldSubmit = await server.Engine.NextSubmitAsync();

        Assert.Equal(StatusCode.AlreadyExists, (await PutAsync(client, "x", s_b.Value, expected: "").FailureAsync()).StatusCode);
        var lost = await PutAsync(client, "x", s_b.Value, expected: Hash(s_b.Value)).FailureAsync();
        Assert.Equal((StatusCode.Aborted, Hash(s_a.Value)), (lost.StatusCode, lost.Info().Metadata["present_sha256"]));
        await PutAsync(client, "x", s_b.Value, expected: Hash(s_a.Value));

        using var young = server.Inference.Generate(new GenerateRequest { Prompt = "wait", Adapter = "x" });
        Assert.Equal(Hash(s_b.Value), (await server.Engine.NextSubmitAsync()).Adapter);
        Assert.Equal(Hash(s_a.Value), oldSubmit.Adapter);
        Assert.DoesNotContain(script.Calls, c => c.StartsWith("drop", StringComparison.Ordinal));

        // The last request of the old generation ends: it is forgotten, in memory and on disk.
        var dropped = DropOf(server, Hash(s_a.Value), script);
        server.Engine.Finish(oldSubmit.SequenceId, 1, 0);
        await old.ReadAllAsync();
        await dropped;
    }

    [Fact]
    public async Task RemovedNameIsRefusedAtOnceAndItsLastRequestFinishes()
    {
        var script = new AdapterScript();
        await using var server = await StartAsync(script);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "x", s_a.Value);
        using var running = server.Inference.Generate(new GenerateRequest { Prompt = "wait", Adapter = "x" });
        var submit = await server.Engine.NextSubmitAsync();
        await client.RemoveAsync(new RemoveAdapterRequest { Name = "x" });
        using var late = server.Inference.Generate(new GenerateRequest { Prompt = "x", Adapter = "x" });
        Assert.Equal(StatusCode.NotFound, (await late.ReadAllAsync().FailureAsync()).StatusCode);
        Assert.Empty((await client.ListAsync(new ListAdaptersRequest())).Adapters);
        var dropped = DropOf(server, Hash(s_a.Value), script);
        server.Engine.Emit(submit.SequenceId, "done", 1);
        server.Engine.Finish(submit.SequenceId, 1, 1);
        Assert.Equal("done", (await running.ReadAllAsync()).Text());
        await dropped;
    }

    [Fact]
    public async Task UnloadWaitsForTheRequestsThatRun()
    {
        var script = new AdapterScript();
        await using var server = await StartAsync(script);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "x", s_a.Value);
        using var running = server.Inference.Generate(new GenerateRequest { Prompt = "wait", Adapter = "x" });
        var submit = await server.Engine.NextSubmitAsync();
        var unloading = client.UnloadAsync(new UnloadAdapterRequest { Name = "x" }).ResponseAsync;
        await client.DescribeAsync(new DescribeAdapterRequest { Name = "x" });
        Assert.False(unloading.IsCompleted);
        server.Engine.Finish(submit.SequenceId, 1, 0);
        await running.ReadAllAsync();
        Assert.Equal(Protocol.V1.AdapterState.Stored, (await unloading.WaitAsync(TimeSpan.FromSeconds(20))).State);
        Assert.Equal($"drop {Hash(s_a.Value)[..8]}", script.Calls[^1]);

        // The name stays: the next request brings it back.
        using var next = server.Inference.Generate(new GenerateRequest { Prompt = "wait", Adapter = "x" });
        await server.Engine.NextSubmitAsync();
        Assert.Equal($"load {Hash(s_a.Value)[..8]}", script.Calls[^1]);
        Assert.Equal(Protocol.V1.AdapterState.Loaded, (await client.LoadAsync(new LoadAdapterRequest { Name = "x" })).State);
    }

    [Fact]
    public async Task ConcurrentUploadsOfOneNewNameHaveOneWinner()
    {
        await using var server = await StartAsync(new AdapterScript());
        var client = new AdaptersClient(server.Channel);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await PutAsync(client, "x", i % 2 == 0 ? s_a.Value : s_b.Value, expected: "");
                return StatusCode.OK;
            }
            catch (RpcException error)
            {
                return error.StatusCode;
            }
        }));
        Assert.Single(outcomes, StatusCode.OK);
        Assert.All(outcomes.Where(o => o != StatusCode.OK), o => Assert.Equal(StatusCode.AlreadyExists, o));
    }

    [Fact]
    public async Task SameContentUnderTwoNamesIsOneGeneration()
    {
        var probe = new ScriptedProbe();
        var script = new AdapterScript();
        await using var server = await StartAsync(script, probe);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "x", s_a.Value);
        await PutAsync(client, "y", s_a.Value);
        await client.AssignAsync(new AssignAdapterRequest { Name = "z", Target = "x" });
        await client.AssignAsync(new AssignAdapterRequest { Name = "w", Target = Hash(s_a.Value), ExpectedSha256 = "" });
        Assert.Equal(1, probe.Runs);
        Assert.Single(script.Calls);
        foreach (var name in (string[])["x", "y", "z"])
            await client.RemoveAsync(new RemoveAdapterRequest { Name = name });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait", Adapter = "w" });
        Assert.Equal(Hash(s_a.Value), (await server.Engine.NextSubmitAsync()).Adapter);
        var error = await client.AssignAsync(new AssignAdapterRequest { Name = "v", Target = "nobody" }).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public async Task FileThatDoesNotFitTheModelIsRefusedByField()
    {
        var probe = new ScriptedProbe();
        await using var server = await StartAsync(new AdapterScript(), probe);
        var foreign = await File.ReadAllBytesAsync(SharedData.Require("tiny/qwen2/a-r4.gguf"));
        var error = await PutAsync(new AdaptersClient(server.Channel), "x", foreign).FailureAsync();
        Assert.Equal("ADAPTER_INVALID", error.Info().Reason);
        Assert.Contains("general.architecture", Assert.Single(error.Fields()), StringComparison.Ordinal);
        Assert.Equal(0, probe.Runs);
    }

    [Fact]
    public async Task FileThatKillsTheProbeIsQuarantinedAndLeavesNothingBehind()
    {
        using var state = new TempFolder();
        await using var server = await StartAsync(new AdapterScript(), new ScriptedProbe(_ => "signal 11 (segmentation fault)"), state.Path);
        var error = await PutAsync(new AdaptersClient(server.Channel), "x", s_a.Value).FailureAsync();
        Assert.Equal((StatusCode.InvalidArgument, "ADAPTER_QUARANTINED"), (error.StatusCode, error.Info().Reason));
        Assert.Empty(Directory.GetFiles(state.Path, "*.gguf", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetFiles(state.Path, "*.part", SearchOption.AllDirectories));
    }

    public static TheoryData<string, Action<PutAdapterHeader>, string> BadHeaders => new()
    {
        { "name", h => h.Name = "../etc", "name: found '../etc'" },
        { "dot name", h => h.Name = ".hidden", "name: found '.hidden'" },
        { "bytes", h => h.FileBytes = 0, "file_bytes: found 0, allowed 1 .. 4294967296" },
        { "short", h => h.FileBytes += 1, "file_bytes: found " },
        { "long", h => h.FileBytes -= 1, "file_bytes: found at least " },
        { "hash form", h => h.Sha256 = "abc", "sha256: found 3 characters, allowed 64 hexadecimal digits" },
        { "hash", h => h.Sha256 = new string('0', 64), "sha256: found " },
    };

    [Theory]
    [MemberData(nameof(BadHeaders), DisableDiscoveryEnumeration = true)]
    public async Task HeaderThatDoesNotFitTheFileIsNamed(string label, Action<PutAdapterHeader> spoil, string expected)
    {
        Assert.NotEmpty(label);
        using var state = new TempFolder();
        await using var server = await StartAsync(new AdapterScript(), state: state.Path);
        var header = new PutAdapterHeader { Name = "x", FileBytes = s_a.Value.Length };
        spoil(header);
        var error = await PutAsync(new AdaptersClient(server.Channel), header, s_a.Value).FailureAsync();
        Assert.StartsWith(expected, Assert.Single(error.Fields()), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(state.Path, "*.*", SearchOption.AllDirectories), f => Path.GetFileName(f) is not ("names.json" or "owner.lock"));
    }

    [Fact]
    public async Task UploadThatIsCancelledLeavesNothingBehind()
    {
        using var state = new TempFolder();
        await using var server = await StartAsync(new AdapterScript(), state: state.Path);
        var client = new AdaptersClient(server.Channel);
        using (var call = client.Put())
        {
            await call.RequestStream.WriteAsync(new PutAdapterRequest { Header = new PutAdapterHeader { Name = "x", FileBytes = s_a.Value.Length } });
            await call.RequestStream.WriteAsync(new PutAdapterRequest { Chunk = ByteString.CopyFrom(s_a.Value.AsSpan(0, 1000)) });
            call.Dispose();
        }
        // The drain ends when the upload's call has, and with it its file.
        await server.Running.StopAsync(CancellationToken.None);
        Assert.Empty(Directory.GetFiles(state.Path, "*.part", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task NamesOutliveTheServerInAStateFolder()
    {
        using var state = new TempFolder();
        await using (var first = await StartAsync(new AdapterScript(), state: state.Path))
        {
            var client = new AdaptersClient(first.Channel);
            await PutAsync(client, "x", s_a.Value);
            await PutAsync(client, "y", s_b.Value);
            await client.RemoveAsync(new RemoveAdapterRequest { Name = "y" });
        }
        var script = new AdapterScript();
        await using var second = await StartAsync(script, state: state.Path);
        var adapters = (await new AdaptersClient(second.Channel).ListAsync(new ListAdaptersRequest())).Adapters;
        Assert.Equal([("x", Hash(s_a.Value))], adapters.Select(a => (a.Name, a.Sha256)));
        Assert.Equal([$"install {Hash(s_a.Value)[..8]}"], script.Calls);
    }

    [Fact]
    public async Task AdaptersGivenAtStartAreInstalledBeforeReadyAndAgainAfterARestart()
    {
        var script = new AdapterScript();
        var path = SharedData.Require("tiny/llama/b-r8.gguf");
        await using var server = await StartAsync(script, adapters: [new AdapterSource("b", path)]);
        var install = $"install {Hash(s_b.Value)[..8]}";
        Assert.Equal([install], script.Calls);
        server.Engine.Kill();
        await server.Launcher.NextAsync();
        await Supervision.RestartTests.ServingAsync(server);
        Assert.Equal([install, install], script.Calls);
    }

    [Fact]
    public async Task TemporaryFilesGivenAtStartAreGoneWhenTheServerHasItsCopy()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "converted.gguf");
        File.Copy(SharedData.Require("tiny/llama/b-r8.gguf"), path);
        var script = new AdapterScript();
        await using var server = await StartAsync(script, adapters: [new AdapterSource("b", path) { IsTemporary = true }]);
        Assert.Equal([$"install {Hash(s_b.Value)[..8]}"], script.Calls);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task AdapterGivenAtStartThatDoesNotFitEndsTheStartByName()
    {
        var error = await Assert.ThrowsAsync<StartupException>(
            () => StartAsync(new AdapterScript(), adapters: [new AdapterSource("bad", SharedData.Require("tiny/qwen2/a-r4.gguf"))]));
        Assert.Contains("adapter 'bad'", error.Message, StringComparison.Ordinal);
        Assert.Equal(StartupException.ModelExitCode, error.ExitCode);
    }

    [Fact]
    public async Task AdapterThatKillsTheEngineAtStartEndsTheStartByName()
    {
        var script = new AdapterScript { OnLoadAdapter = (engine, _) => Kill(engine) };
        var error = await Assert.ThrowsAsync<StartupException>(
            () => StartAsync(script, adapters: [new AdapterSource("b", SharedData.Require("tiny/llama/b-r8.gguf"))]));
        Assert.Contains("died while it loaded adapter", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AdapterThatKillsTheRestartedEngineIsNotShownToItAgain()
    {
        var script = new AdapterScript();
        await using var server = await StartAsync(script, adapters: [new AdapterSource("b", SharedData.Require("tiny/llama/b-r8.gguf"))]);
        script.OnLoadAdapter = (engine, _) => Kill(engine);
        server.Engine.Kill();
        await server.Launcher.NextAsync();
        await server.Launcher.NextAsync();
        await Supervision.RestartTests.ServingAsync(server);
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "x", Adapter = "b" });
        Assert.Equal("ADAPTER_QUARANTINED", (await call.ReadAllAsync().FailureAsync()).Info().Reason);
        using var plain = server.Inference.Generate(new GenerateRequest { Prompt = "echo ok" });
        Assert.Equal("ok", (await plain.ReadAllAsync()).Text());
    }

    [Fact]
    public async Task EngineWithoutSlotsRefusesAdaptersWithTheRemedy()
    {
        var script = new AdapterScript();
        script.Loaded.AdapterSlots = 0;
        await using var server = await StartAsync(script);
        await PutAsync(new AdaptersClient(server.Channel), "x", s_a.Value);
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "x", Adapter = "x" });
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal((StatusCode.FailedPrecondition, "NO_ADAPTER_SLOTS"), (error.StatusCode, error.Info().Reason));
    }

    private static bool Kill(ScriptedEngine engine)
    {
        engine.Kill();
        return true;
    }

    // Completes when the engine was told to drop the generation; watches the calls, which the engine's thread adds to.
    private static async Task DropOf(TestServer server, string sha256, AdapterScript script)
    {
        var wanted = $"drop {sha256[..8]}";
        for (var patience = 0; !script.Calls.Contains(wanted); patience++)
        {
            Assert.True(patience < 400, "the generation was never dropped");
            await server.Operations.GetStatsAsync(new GetStatsRequest());
            await Task.Delay(25);
        }
    }

    private static async Task<TestServer> StartAsync(AdapterScript script, ScriptedProbe? probe = null, string? state = null, IReadOnlyList<AdapterSource>? adapters = null) =>
        await TestServer.StartAsync(
            script, o => o with { StateDirectory = state, Adapters = adapters ?? [] },
            new ServedModel("tiny", SharedData.Require("tiny/llama/model.gguf")), probe ?? new ScriptedProbe());
}
