using Google.Protobuf;
using Grpc.Core;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Fakes;

internal sealed class FakeAdapters(Script script) : Protocol.V1.Adapters.AdaptersBase
{
    public override Task<ListAdaptersResponse> List(ListAdaptersRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(new ListAdaptersResponse { Adapters = { script.Adapters } });
    }

    public override Task<AdapterInfo> Describe(DescribeAdapterRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(Find(request.Name));
    }

    public override async Task<AdapterInfo> Put(IAsyncStreamReader<PutAdapterRequest> requestStream, ServerCallContext context)
    {
        await requestStream.MoveNext();
        PutAdapterHeader header = requestStream.Current.Header;
        script.Note(header);
        using var bytes = new MemoryStream();
        while (await requestStream.MoveNext())
            requestStream.Current.Chunk.WriteTo(bytes);
        script.Uploaded = bytes.ToArray();
        if (script.UploadFailure is not null)
            throw script.UploadFailure;
        return new AdapterInfo { Name = header.Name, Sha256 = header.Sha256, State = AdapterState.Stored, Rank = 4, FileBytes = bytes.Length };
    }

    public override Task<AdapterInfo> Load(LoadAdapterRequest request, ServerCallContext context) => Answer(request, request.Name);

    public override Task<AdapterInfo> Unload(UnloadAdapterRequest request, ServerCallContext context) => Answer(request, request.Name);

    public override Task<AdapterInfo> Assign(AssignAdapterRequest request, ServerCallContext context) => Answer(request, request.Target);

    public override Task<RemoveAdapterResponse> Remove(RemoveAdapterRequest request, ServerCallContext context)
    {
        script.Note(request);
        Find(request.Name);
        return Task.FromResult(new RemoveAdapterResponse());
    }

    private Task<AdapterInfo> Answer(IMessage request, string name)
    {
        script.Note(request);
        return Task.FromResult(Find(name));
    }

    private AdapterInfo Find(string name) =>
        script.Adapters.Find(adapter => adapter.Name == name) ?? throw new RpcException(new Status(StatusCode.NotFound, $"there is no adapter '{name}'"));
}
