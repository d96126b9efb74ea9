using Grpc.Core;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Fakes;

internal sealed class FakeOperations(Script script) : Operations.OperationsBase
{
    public override Task<GetStatsResponse> GetStats(GetStatsRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(new GetStatsResponse { State = script.State, Model = "tiny", Engine = new LoadedModelStats { Running = 3, Waiting = 1, DecodeTokens = 12_345 } });
    }
}
