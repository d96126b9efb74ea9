using Grpc.Core;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Fakes;

internal sealed class FakeModels(Script script) : Models.ModelsBase
{
    private static readonly DescribeModelResponse Model = new()
    {
        Info = new ModelInfo { Name = "tiny", Path = "/m/tiny.gguf", Loaded = true, Architecture = "llama", Quantization = "F16", ContextTokens = 8192, FileBytes = 92_000_000 },
        Parameters = 134_515_008,
        Layers = 30,
        VocabularySize = 49_152,
        Tokenizer = "byte-level BPE",
        ChatTemplate = "model file",
        Serving = new LoadedModel { Device = "CPU", ContextTokens = 4096, Parallel = 8, AdapterSlots = 4, AdapterMode = "per row" },
    };

    public override Task<ListModelsResponse> List(ListModelsRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(new ListModelsResponse { Models = { Model.Info } });
    }

    public override Task<DescribeModelResponse> Describe(DescribeModelRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(Model);
    }

    public override async Task Load(LoadModelRequest request, IServerStreamWriter<LoadModelResponse> responseStream, ServerCallContext context)
    {
        script.Note(request);
        await responseStream.WriteAsync(new LoadModelResponse { Stage = LoadStage.Verifying, Fraction = 0.5f });
        await responseStream.WriteAsync(new LoadModelResponse { Stage = LoadStage.Loading, Fraction = 0.5f });
        await responseStream.WriteAsync(new LoadModelResponse { Stage = LoadStage.Loading, Fraction = 1 });
        await responseStream.WriteAsync(new LoadModelResponse { Stage = LoadStage.Ready, Fraction = 1, Model = Model });
    }

    public override Task<UnloadModelResponse> Unload(UnloadModelRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(new UnloadModelResponse { Finished = 2, Cancelled = 1 });
    }
}
