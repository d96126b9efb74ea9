using System.Text.Json.Nodes;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Tests.Scripted;
using InferenceHost.Testing;
using static InferenceHost.Server.Tests.Scripted.AdapterUploads;
using AdaptersClient = InferenceHost.Protocol.V1.Adapters.AdaptersClient;

namespace InferenceHost.Server.Tests.Adapters;

/// <summary>What the store on disk holds: names that outlive the server, contents that are what their hash says.</summary>
public sealed class StoredAdapterTests
{
    private static readonly Lazy<byte[]> s_a = new(() => File.ReadAllBytes(SharedData.Require("tiny/llama/a-r4.gguf")));
    private static readonly Lazy<byte[]> s_b = new(() => File.ReadAllBytes(SharedData.Require("tiny/llama/b-r8.gguf")));
    private static readonly Lazy<byte[]> s_other = new(() => File.ReadAllBytes(SharedData.Require("tiny/qwen2/a-r4.gguf")));

    [Fact]
    public async Task NamesThatWereAcknowledgedAreOnDiskWhateverWasWrittenAtTheSameTime()
    {
        using var state = new TempFolder();
        await using var server = await StartAsync(state);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "a", s_a.Value);
        await PutAsync(client, "b", s_b.Value);
        for (var round = 0; round < 20; round++)
        {
            var target = round % 2 == 0 ? "a" : "b";
            await Task.WhenAll(Enumerable.Range(0, 16).Select(i => client.AssignAsync(new AssignAdapterRequest { Name = $"n{i}", Target = target }).ResponseAsync));
            var names = ReadNames(state);
            foreach (var adapter in (await client.ListAsync(new ListAdaptersRequest())).Adapters)
                Assert.Equal(adapter.Sha256, (string?)names[adapter.Name]);
        }
    }

    [Fact]
    public async Task AFileThatWasChangedIsNotServedAndAnUploadMendsIt()
    {
        using var state = new TempFolder();
        var path = Path.Combine(state.Path, "adapters", "files", Hash(s_a.Value) + ".gguf");
        await using (var first = await StartAsync(state))
            await PutAsync(new AdaptersClient(first.Channel), "a", s_a.Value);
        File.WriteAllBytes(path, s_b.Value);
        await using (var second = await StartAsync(state))
        {
            var client = new AdaptersClient(second.Channel);
            Assert.Empty((await client.ListAsync(new ListAdaptersRequest())).Adapters);
            foreach (var part in new[] { "'a'", Hash(s_a.Value), Hash(s_b.Value) })
                Assert.Contains(part, second.Log, StringComparison.Ordinal);
            var assigned = await client.AssignAsync(new AssignAdapterRequest { Name = "z", Target = Hash(s_a.Value) }).ResponseAsync.FailureAsync();
            Assert.Equal((StatusCode.FailedPrecondition, "ADAPTER_INVALID"), (assigned.StatusCode, assigned.Info().Reason));
            await PutAsync(client, "a", s_a.Value);
            Assert.Equal(s_a.Value, File.ReadAllBytes(path));
        }
        await using var third = await StartAsync(state);
        Assert.Equal(Hash(s_a.Value), Assert.Single((await new AdaptersClient(third.Channel).ListAsync(new ListAdaptersRequest())).Adapters).Sha256);
    }

    [Fact]
    public async Task AnEngineThatEndsDuringAnUploadChangesNothingAndTheNextTryWorks()
    {
        using var state = new TempFolder();
        var script = new AdapterScript();
        await using var server = await StartAsync(state, script);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "a", s_b.Value);
        script.OnLoadAdapter = (engine, _) =>
        {
            script.OnLoadAdapter = null;
            engine.Kill();
            return true;
        };
        var error = await PutAsync(client, "a", s_a.Value, expected: Hash(s_b.Value)).FailureAsync();
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Equal(Hash(s_b.Value), (string?)ReadNames(state)["a"]);
        await server.Launcher.NextAsync();
        await Supervision.RestartTests.ServingAsync(server);
        Assert.Equal(Hash(s_a.Value), (await PutAsync(client, "a", s_a.Value, expected: Hash(s_b.Value))).Sha256);
        Assert.Equal(Hash(s_a.Value), (string?)ReadNames(state)["a"]);
    }

    [Fact]
    public async Task AFileThatTheEngineRefusesChangesNothing()
    {
        using var state = new TempFolder();
        var script = new AdapterScript();
        await using var server = await StartAsync(state, script);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "a", s_a.Value);
        script.OnLoadAdapter = (engine, message) =>
        {
            engine.Send(new FromWorker { CallId = message.CallId, Failure = new Failure { Kind = FailureKind.FailedPrecondition, Reason = "ADAPTER_UNREADABLE", Message = "rank 65" } });
            return true;
        };
        var error = await PutAsync(client, "a", s_b.Value).FailureAsync();
        Assert.Contains("rank 65", error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(Hash(s_a.Value), (await client.DescribeAsync(new DescribeAdapterRequest { Name = "a" })).Sha256);
        await Settled(state, Hash(s_a.Value));
    }

    [Fact]
    public async Task ANameHasAnAdapterForEachModelThatWasServed()
    {
        using var state = new TempFolder();
        await using (var llama = await StartAsync(state))
            await PutAsync(new AdaptersClient(llama.Channel), "a", s_a.Value, expected: "");
        await using (var qwen = await StartAsync(state, model: "qwen2"))
        {
            var client = new AdaptersClient(qwen.Channel);
            Assert.Empty((await client.ListAsync(new ListAdaptersRequest())).Adapters);
            await PutAsync(client, "a", s_other.Value, expected: "");
        }
        foreach (var (model, file) in new[] { ("llama", s_a.Value), ("qwen2", s_other.Value), ("llama", s_a.Value) })
        {
            await using var server = await StartAsync(state, model: model);
            Assert.Equal(Hash(file), Assert.Single((await new AdaptersClient(server.Channel).ListAsync(new ListAdaptersRequest())).Adapters).Sha256);
        }
        // The name is taken away where it is served, and stays where it is not; taken away again, it goes there too.
        await using (var llama = await StartAsync(state))
        {
            var client = new AdaptersClient(llama.Channel);
            await client.RemoveAsync(new RemoveAdapterRequest { Name = "a" });
            Assert.Equal(Hash(s_other.Value), (string?)ReadNames(state)["a"]);
            await client.RemoveAsync(new RemoveAdapterRequest { Name = "a" });
            await Settled(state);
            Assert.Empty(ReadNames(state).AsObject());
            Assert.Equal(StatusCode.NotFound, (await client.RemoveAsync(new RemoveAdapterRequest { Name = "a" }).ResponseAsync.FailureAsync()).StatusCode);
        }
    }

    [Fact]
    public async Task AnotherModelGetsItsOwnAdaptersWhateverRequestsStillHold()
    {
        using var state = new TempFolder();
        await using var server = await StartAsync(state);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "a", s_a.Value);
        using var held = Store(server).Registry.Pin("a");
        await LoadAsync(server, "qwen2");
        Assert.Empty((await client.ListAsync(new ListAdaptersRequest())).Adapters);
        await PutAsync(client, "a", s_other.Value, expected: "");
        foreach (var (model, file) in new[] { ("llama", s_a.Value), ("qwen2", s_other.Value) })
        {
            await LoadAsync(server, model);
            Assert.Equal(Hash(file), Assert.Single((await client.ListAsync(new ListAdaptersRequest())).Adapters).Sha256);
        }
        await Settled(state, Hash(s_a.Value), Hash(s_other.Value));
    }

    [Fact]
    public async Task AnUploadThatWasCheckedAgainstAnotherModelIsRefused()
    {
        using var state = new TempFolder();
        TestServer? server = null;
        var script = new AdapterScript();
        script.Loaded.AdapterSlots = 0;
        var probe = new ScriptedProbe(_ =>
        {
            LoadAsync(server!, "qwen2").GetAwaiter().GetResult();
            return null;
        });
        await using (server = await StartAsync(state, script, probe: probe))
        {
            var error = await PutAsync(new AdaptersClient(server.Channel), "a", s_a.Value).FailureAsync();
            Assert.Equal((StatusCode.Aborted, "MODEL_CHANGED"), (error.StatusCode, error.Info().Reason));
            Assert.Empty(ReadNames(state).AsObject());
            await Settled(state);
        }
    }

    [Fact]
    public async Task AnAdapterThatKilledTheEngineStaysInQuarantineHoweverItIsNamed()
    {
        using var state = new TempFolder();
        var script = new AdapterScript();
        await using var server = await StartAsync(state, script);
        var client = new AdaptersClient(server.Channel);
        await PutAsync(client, "a", s_a.Value);
        script.OnLoadAdapter = (engine, _) =>
        {
            engine.Kill();
            return true;
        };
        server.Engine.Kill();
        await server.Launcher.NextAsync();
        await server.Launcher.NextAsync();
        await Supervision.RestartTests.ServingAsync(server);
        script.OnLoadAdapter = null;
        await PutAsync(client, "a", s_b.Value);
        await client.AssignAsync(new AssignAdapterRequest { Name = "a", Target = Hash(s_a.Value) });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "x", Adapter = "a" });
        Assert.Equal("ADAPTER_QUARANTINED", (await call.ReadAllAsync().FailureAsync()).Info().Reason);
        // Uploaded again it is tried again.
        await PutAsync(client, "a", s_a.Value);
        using var served = server.Inference.Generate(new GenerateRequest { Prompt = "echo ok", Adapter = "a" });
        Assert.Equal("ok", (await served.ReadAllAsync()).Text());
    }

    private static AdapterStore Store(TestServer server) => (AdapterStore)server.Running.Services.GetService(typeof(AdapterStore))!;

    private static async Task LoadAsync(TestServer server, string model)
    {
        using var load = new Models.ModelsClient(server.Channel).Load(new LoadModelRequest { Path = SharedData.Require($"tiny/{model}/model.gguf"), Replace = true });
        await foreach (var _ in load.ResponseStream.ReadAllAsync())
        {
        }
    }

    [Fact]
    public async Task NamesThatWereLostAreAssignedAgainByHash()
    {
        using var state = new TempFolder();
        await using (var first = await StartAsync(state))
            await PutAsync(new AdaptersClient(first.Channel), "a", s_a.Value);
        File.Delete(Path.Combine(state.Path, "adapters", "names.json"));
        await using var server = await StartAsync(state);
        var client = new AdaptersClient(server.Channel);
        Assert.Empty((await client.ListAsync(new ListAdaptersRequest())).Adapters);
        var assigned = await client.AssignAsync(new AssignAdapterRequest { Name = "again", Target = Hash(s_a.Value).ToUpperInvariant() });
        Assert.Equal(("again", Hash(s_a.Value)), (assigned.Name, assigned.Sha256));
        var unknown = await client.AssignAsync(new AssignAdapterRequest { Name = "no", Target = Hash(s_b.Value) }).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.NotFound, unknown.StatusCode);
        var path = await client.AssignAsync(new AssignAdapterRequest { Name = "no", Target = "../names" }).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.NotFound, path.StatusCode);
    }

    [Fact]
    public async Task AStateFolderHasOneServerAtATime()
    {
        using var state = new TempFolder();
        await using (await StartAsync(state))
        {
            var error = await Assert.ThrowsAsync<StartupException>(() => StartAsync(state));
            Assert.Contains("being used by another process", error.Message, StringComparison.Ordinal);
            Assert.Contains("--state-dir", error.Remedy, StringComparison.Ordinal);
        }
        await using var next = await StartAsync(state);
    }

    [Theory]
    [InlineData("null", "null where names are expected")]
    [InlineData("[1]", "damaged")]
    [InlineData("""{"a":null}""", "'a'")]
    [InlineData("""{"a":"3f2a"}""", "'a'")]
    [InlineData("""{"a":[]}""", "'a'")]
    [InlineData("""{"a":[7]}""", "Number where a hash is expected")]
    [InlineData("""{"../a":"0000000000000000000000000000000000000000000000000000000000000000"}""", "'../a'")]
    public async Task DamagedNamesEndTheStartWithTheEntry(string json, string expected)
    {
        using var state = new TempFolder();
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(state.Path, "adapters")).FullName, "names.json");
        File.WriteAllText(path, json);
        var error = await Assert.ThrowsAsync<StartupException>(() => StartAsync(state));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(json, File.ReadAllText(path));
    }

    [Fact]
    public async Task ARefusedFileIsNamedAsTheOperatorKnowsIt()
    {
        using var state = new TempFolder();
        var file = state.Path + "/mine.gguf";
        File.WriteAllBytes(file, [.. s_a.Value.AsSpan(0, 5000)]);
        var start = await Assert.ThrowsAsync<StartupException>(() => StartAsync(state, adapters: [new AdapterSource("bank", file)]));
        Assert.StartsWith("adapter 'bank': mine.gguf: ", start.Message, StringComparison.Ordinal);
        await using var server = await StartAsync(state, probe: new ScriptedProbe(path => $"{Path.GetFileName(path)}: no use"));
        var client = new AdaptersClient(server.Channel);
        Assert.Contains("the uploaded file: ", (await PutAsync(client, "x", s_other.Value).FailureAsync()).Status.Detail, StringComparison.Ordinal);
        Assert.EndsWith("the uploaded file: no use", (await PutAsync(client, "x", s_a.Value).FailureAsync()).Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AGenerationThatLostItsNameStaysUntilItsRoomIsNeeded()
    {
        using var state = new TempFolder();
        var third = File.ReadAllBytes(SharedData.Require("tiny/llama/c-r16-rs.gguf"));
        await using (var server = await StartAsync(state, disk: s_a.Value.Length + s_b.Value.Length))
        {
            var client = new AdaptersClient(server.Channel);
            await PutAsync(client, "x", s_a.Value);
            var path = Path.Combine(state.Path, "adapters", "files", Hash(s_a.Value) + ".gguf");
            var before = File.GetLastWriteTimeUtc(path);
            await PutAsync(client, "x", s_b.Value);
            // It counts as used when the engine has let go of it.
            for (var patience = 0; File.GetLastWriteTimeUtc(path) == before; patience++)
            {
                Assert.True(patience < 400, "the file is still as it was, or gone");
                await Task.Delay(25, TestContext.Current.CancellationToken);
            }
            await Settled(state, Hash(s_a.Value), Hash(s_b.Value));
            // An upload of it that fails does not cost it its file.
            var failed = await PutAsync(client, "x", s_a.Value, expected: Hash(third)).FailureAsync();
            Assert.Equal(StatusCode.Aborted, failed.StatusCode);
            await Settled(state, Hash(s_a.Value), Hash(s_b.Value));
            // And back.
            Assert.Equal(Hash(s_a.Value), (await client.AssignAsync(new AssignAdapterRequest { Name = "x", Target = Hash(s_a.Value) })).Sha256);
            Assert.Equal(Hash(s_a.Value), Assert.Single((await client.ListAsync(new ListAdaptersRequest())).Adapters).Sha256);
        }
        await using (var server = await StartAsync(state, disk: s_a.Value.Length + third.Length))
        {
            var client = new AdaptersClient(server.Channel);
            await PutAsync(client, "y", third);
            await Settled(state, Hash(s_a.Value), Hash(third));
            var gone = await client.AssignAsync(new AssignAdapterRequest { Name = "x", Target = Hash(s_b.Value) }).ResponseAsync.FailureAsync();
            Assert.Equal(StatusCode.NotFound, gone.StatusCode);
            var full = await PutAsync(client, "z", s_b.Value).FailureAsync();
            Assert.Equal((StatusCode.FailedPrecondition, "ADAPTER_DISK_FULL"), (full.StatusCode, full.Info().Reason));
            foreach (var number in new[] { s_b.Value.Length, s_a.Value.Length + third.Length })
                Assert.Contains($" {number}", full.Status.Detail, StringComparison.Ordinal);
            // What is removed is gone at once.
            await client.RemoveAsync(new RemoveAdapterRequest { Name = "y" });
            await Settled(state, Hash(s_a.Value));
        }
        var start = await Assert.ThrowsAsync<StartupException>(() => StartAsync(state, disk: s_a.Value.Length, adapters: [new AdapterSource("b", SharedData.Require("tiny/llama/b-r8.gguf"))]));
        Assert.StartsWith("adapter 'b': the file has", start.Message, StringComparison.Ordinal);
    }

    // Files go in the background, when the engine has let go of them.
    private static async Task Settled(TempFolder state, params string[] generations)
    {
        for (var patience = 0; ; patience++)
        {
            var files = Directory.GetFiles(Path.Combine(state.Path, "adapters", "files")).Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);
            if (patience == 400 || files.SequenceEqual(generations.Order(StringComparer.Ordinal)))
            {
                Assert.Equal(generations.Order(StringComparer.Ordinal), files);
                return;
            }
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }

    private static JsonNode ReadNames(TempFolder state) => JsonNode.Parse(File.ReadAllText(Path.Combine(state.Path, "adapters", "names.json")))!;

    private static Task<TestServer> StartAsync(
        TempFolder state, AdapterScript? script = null, string model = "llama", IReadOnlyList<AdapterSource>? adapters = null, ScriptedProbe? probe = null, long disk = 1 << 30) =>
        TestServer.StartAsync(
            script ?? new AdapterScript(), o => o with { StateDirectory = state.Path, Adapters = adapters ?? [], AdapterDiskBytes = disk },
            new ServedModel(model, SharedData.Require($"tiny/{model}/model.gguf")), probe ?? new ScriptedProbe());
}
