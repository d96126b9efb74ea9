using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Supervision;
using InferenceHost.Server.Tests.Scripted;
using InferenceHost.Testing;
using ModelsClient = InferenceHost.Protocol.V1.Models.ModelsClient;

namespace InferenceHost.Server.Tests.Catalogue;

public sealed class ModelsTests
{
    [Fact]
    public async Task CatalogueListsTheLoadedModelAndTheOthers()
    {
        using var folder = new TempFolder();
        File.Copy(SharedData.Require("tiny/qwen2/model.gguf"), Path.Combine(folder.Path, "small.gguf"));
        await using var server = await TestServer.StartAsync(configure: o => o with { ModelsDirectory = folder.Path });
        var models = (await new ModelsClient(server.Channel).ListAsync(new ListModelsRequest())).Models;
        Assert.Equal([("scripted", true, ""), ("small", false, "qwen2")], models.Select(m => (m.Name, m.Loaded, m.Architecture)));
        var described = await new ModelsClient(server.Channel).DescribeAsync(new DescribeModelRequest { Model = "small" });
        Assert.True(described.Parameters > 0 && described.Layers > 0 && described.VocabularySize > 0 && described.Info.FileBytes > 0);
        Assert.Null(described.Serving);
        var loaded = await new ModelsClient(server.Channel).DescribeAsync(new DescribeModelRequest());
        Assert.Equal(("scripted", "per row", 4096), (loaded.Info.Name, loaded.Serving.AdapterMode, loaded.Serving.ContextTokens));
        var error = await new ModelsClient(server.Channel).DescribeAsync(new DescribeModelRequest { Model = "nobody" }).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public async Task SecondModelIsRefusedUnlessItReplacesTheFirst()
    {
        var path = SharedData.Require("tiny/qwen2/model.gguf");
        var script = new Script();
        await using var server = await TestServer.StartAsync(script);
        var client = new ModelsClient(server.Channel);
        using var refused = client.Load(new LoadModelRequest { Path = path });
        var error = await ReadAsync(refused).FailureAsync();
        Assert.Equal((StatusCode.FailedPrecondition, "MODEL_LOADED"), (error.StatusCode, error.Info().Reason));

        using var running = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        using var load = client.Load(new LoadModelRequest { Path = path, Replace = true });
        var loading = ReadAsync(load);
        // The stream of the old model ends first.
        Assert.False(loading.IsCompleted);
        server.Engine.Emit(id, "end", 1);
        server.Engine.Finish(id, 1, 1);
        Assert.Equal("end", (await running.ReadAllAsync()).Text());
        var messages = await loading;
        Assert.Equal(LoadStage.Ready, messages[^1].Stage);
        Assert.Equal(("model", "qwen2"), (messages[^1].Model.Info.Name, messages[^1].Model.Info.Architecture));
        Assert.Equal(["/models/scripted.gguf", path], script.Loads.Select(l => l.Path));
        Assert.Equal(2, (await server.Launcher.NextAsync()).Number);
        using var next = server.Inference.Generate(new GenerateRequest { Prompt = "echo new", Model = "model" });
        Assert.Equal("new", (await next.ReadAllAsync()).Text());
    }

    [Fact]
    public async Task DamagedModelIsRefusedBeforeTheOldOneGoes()
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "damaged.gguf");
        await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(SharedData.Require("tiny/llama/model.gguf")))[..^100]);
        await using var server = await TestServer.StartAsync();
        using var load = new ModelsClient(server.Channel).Load(new LoadModelRequest { Path = path, Replace = true });
        var error = await ReadAsync(load).FailureAsync();
        Assert.Equal((StatusCode.FailedPrecondition, "MODEL_INVALID"), (error.StatusCode, error.Info().Reason));
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "echo still here" });
        Assert.Equal("still here", (await call.ReadAllAsync()).Text());
    }

    [Fact]
    public async Task UnloadDrainsFreesTheProcessAndALoadBringsAModelBack()
    {
        await using var server = await TestServer.StartAsync();
        var client = new ModelsClient(server.Channel);
        using var running = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        var unloading = client.UnloadAsync(new UnloadModelRequest { DrainTimeoutSeconds = 60 });
        await StateAsync(server, EngineState.NoModel);
        using var late = server.Inference.Generate(new GenerateRequest { Prompt = "echo late" });
        Assert.Equal("NO_MODEL", (await late.ReadAllAsync().FailureAsync()).Info().Reason);
        server.Engine.Finish(id, 1, 0);
        await running.ReadAllAsync();
        var answer = await unloading;
        Assert.Equal((1, 0), (answer.Finished, answer.Cancelled));
        await server.Engine.Exited.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("no model", (await server.Operations.GetStatsAsync(new GetStatsRequest())).State);
        Assert.Equal("NO_MODEL", (await client.UnloadAsync(new UnloadModelRequest()).ResponseAsync.FailureAsync()).Info().Reason);

        using var load = client.Load(new LoadModelRequest { Path = SharedData.Require("tiny/llama/model.gguf") });
        await ReadAsync(load);
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "echo back" });
        Assert.Equal("back", (await call.ReadAllAsync()).Text());
    }

    [Fact]
    public async Task UnloadCancelsWhatTakesTooLong()
    {
        await using var server = await TestServer.StartAsync();
        using var running = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        var unloading = new ModelsClient(server.Channel).UnloadAsync(new UnloadModelRequest { Model = "scripted", DrainTimeoutSeconds = 0 });
        await server.Engine.CancelOfAsync(id);
        server.Engine.Finish(id, (int)FinishReason.Cancelled, 0);
        Assert.Equal(FinishReason.Cancelled, (await running.ReadAllAsync())[^1].FinishReason);
        var answer = await unloading;
        Assert.Equal((0, 1), (answer.Finished, answer.Cancelled));
    }

    [Fact]
    public async Task RefusalOfTheEngineEndsTheLoadAndAnotherOneSucceeds()
    {
        var refuse = true;
        var script = new Script
        {
            Before = (engine, message) =>
            {
                if (message.LoadModel is null || !message.LoadModel.Path.Contains("tiny", StringComparison.Ordinal) || !refuse)
                    return false;
                engine.Send(new FromWorker { CallId = message.CallId, Failure = new Failure { Kind = FailureKind.FailedPrecondition, Reason = "MODEL_NOT_LOADED", Message = "too large" } });
                return true;
            },
        };
        await using var server = await TestServer.StartAsync(script);
        var client = new ModelsClient(server.Channel);
        var request = new LoadModelRequest { Path = SharedData.Require("tiny/llama/model.gguf"), Replace = true };
        using var first = client.Load(request);
        var error = await ReadAsync(first).FailureAsync();
        Assert.Equal((StatusCode.FailedPrecondition, "MODEL_NOT_LOADED"), (error.StatusCode, error.Info().Reason));
        refuse = false;
        using var second = client.Load(request);
        Assert.Equal(LoadStage.Ready, (await ReadAsync(second))[^1].Stage);
    }

    public static TheoryData<LoadModelRequest, StatusCode> BadLoads => new()
    {
        { new LoadModelRequest(), StatusCode.InvalidArgument },
        { new LoadModelRequest { Model = "a", Path = "/b" }, StatusCode.InvalidArgument },
        { new LoadModelRequest { Model = "nobody" }, StatusCode.NotFound },
        { new LoadModelRequest { Path = "/nowhere/model.gguf" }, StatusCode.NotFound },
        { new LoadModelRequest { Path = "relative.gguf" }, StatusCode.NotFound },
    };

    [Theory]
    [MemberData(nameof(BadLoads), DisableDiscoveryEnumeration = true)]
    public async Task LoadOfNothingIsRefused(LoadModelRequest request, StatusCode expected)
    {
        await using var server = await TestServer.StartAsync();
        using var load = new ModelsClient(server.Channel).Load(request);
        Assert.Equal(expected, (await ReadAsync(load).FailureAsync()).StatusCode);
    }

    [Fact]
    public void DefaultModelIsFoundAboveTheExecutableWithItsManifest()
    {
        var found = new ModelLibrary(new ServerOptions()).FindConfigured();
        Assert.Equal(SharedData.DefaultModel, found.Path);
        Assert.Equal("SmolLM2-135M-Instruct", found.Name);
        Assert.NotNull(found.Entry);
    }

    [Theory]
    [InlineData("/nowhere/model.gguf")]
    [InlineData("no-such-name")]
    public void ModelThatIsNotThereNamesTheOnesThatAre(string model)
    {
        var error = Assert.Throws<StartupException>(() => new ModelLibrary(new ServerOptions { Model = model }).FindConfigured());
        Assert.Contains(model, error.Message, StringComparison.Ordinal);
        Assert.Contains("SmolLM2-135M-Instruct", error.Remedy, StringComparison.Ordinal);
        Assert.Equal(StartupException.ModelExitCode, error.ExitCode);
    }

    [Fact]
    public async Task WrongHashIsRefusedWithBothHashes()
    {
        using var folder = new TempFolder();
        var model = SharedData.Require("tiny/llama/model.gguf");
        File.Copy(model, Path.Combine(folder.Path, "m.gguf"));
        var wrong = new string('0', 64);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "m.json"), $$"""
            {"name": "m", "file": "m.gguf", "sha256": "{{wrong}}", "architecture": "llama", "licence": "MIT", "source": "test", "contextLength": 64,
             "quantisation": "F16", "goodFor": "tests", "adapters": []}
            """);
        var library = new ModelLibrary(new ServerOptions { Model = "m", ModelsDirectory = folder.Path });
        var error = await Assert.ThrowsAsync<ModelFiles.ModelFileException>(() => library.VerifyAsync(library.FindConfigured(), null, CancellationToken.None));
        Assert.Contains(wrong, error.Message, StringComparison.Ordinal);
        Assert.Equal("sha256", error.Field);
    }

    private static async Task<List<LoadModelResponse>> ReadAsync(AsyncServerStreamingCall<LoadModelResponse> call)
    {
        var messages = new List<LoadModelResponse>();
        await foreach (var message in call.ResponseStream.ReadAllAsync())
            messages.Add(message);
        return messages;
    }

    private static async Task StateAsync(TestServer server, EngineState state)
    {
        var supervisor = (EngineSupervisor)server.Running.Services.GetService(typeof(EngineSupervisor))!;
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        supervisor.StatusChanged += status =>
        {
            if (status.State == state)
                reached.TrySetResult();
        };
        if (supervisor.Status.State != state)
            await reached.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }
}
