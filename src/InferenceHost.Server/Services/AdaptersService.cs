using Grpc.Core;
using InferenceHost.ModelFiles;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Services;

/// <summary>Adapters by name: upload, point, load, unload, forget.</summary>
internal sealed class AdaptersService(AdapterStore store, EngineSupervisor supervisor) : Protocol.V1.Adapters.AdaptersBase
{
    private const long MaxFileBytes = 4L << 30;
    private const int MaxChunkBytes = 1 << 20;

    /// <inheritdoc/>
    public override async Task<ListAdaptersResponse> List(ListAdaptersRequest request, ServerCallContext context)
    {
        var states = await StatesAsync(context.CancellationToken);
        var response = new ListAdaptersResponse();
        foreach (var (name, generation) in store.Registry.Names)
            response.Adapters.Add(Describe(name, generation, states));
        return response;
    }

    /// <inheritdoc/>
    public override Task<AdapterInfo> Describe(DescribeAdapterRequest request, ServerCallContext context) =>
        DescribeAsync(request.Name, store.Registry.Find(request.Name), context.CancellationToken);

    /// <inheritdoc/>
    public override async Task<AdapterInfo> Put(IAsyncStreamReader<PutAdapterRequest> requestStream, ServerCallContext context)
    {
        var cancellation = context.CancellationToken;
        var session = supervisor.Session;
        if (!await requestStream.MoveNext(cancellation) || requestStream.Current.Header is not { } header)
            throw new RefusalException(Refusal.Field("header", "no header in the first message", "a header, then chunks"));
        Check(header);
        var expected = header.HasExpectedSha256 ? header.ExpectedSha256 : null;
        store.Registry.CheckExpected(header.Name, expected);

        await using var incoming = new IncomingFile(store.NewIncoming(header.FileBytes, header.Sha256), header.FileBytes);
        while (await requestStream.MoveNext(cancellation))
        {
            var part = requestStream.Current;
            if (part.PartCase != PutAdapterRequest.PartOneofCase.Chunk)
                throw new RefusalException(Refusal.Field("chunk", part.PartCase == PutAdapterRequest.PartOneofCase.Header ? "a second header" : "an empty message", "bytes of the file"));
            if (part.Chunk.Length > MaxChunkBytes)
                throw new RefusalException(Refusal.Field("chunk", $"{part.Chunk.Length} bytes", $"1 .. {MaxChunkBytes}"));
            await incoming.AppendAsync(part.Chunk.Memory, cancellation);
        }
        var sha256 = await incoming.CompleteAsync(header.Sha256);
        var generation = await store.AdmitFileAsync(header.Name, incoming.Path, sha256, expected, session, cancellation);
        return await DescribeAsync(header.Name, generation, cancellation);
    }

    /// <inheritdoc/>
    public override async Task<AdapterInfo> Load(LoadAdapterRequest request, ServerCallContext context)
    {
        var session = supervisor.Session;
        using var pin = store.Registry.Pin(request.Name);
        await store.EnsureAsync(pin.Generation, session, install: true).WaitAsync(context.CancellationToken);
        pin.Dispose();
        return await DescribeAsync(request.Name, pin.Generation, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<AdapterInfo> Unload(UnloadAdapterRequest request, ServerCallContext context)
    {
        var session = supervisor.Session;
        var generation = store.Registry.Find(request.Name);
        await store.UnloadAsync(generation, session, context.CancellationToken);
        return await DescribeAsync(request.Name, generation, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override Task<RemoveAdapterResponse> Remove(RemoveAdapterRequest request, ServerCallContext context)
    {
        store.Remove(request.Name);
        return Task.FromResult(new RemoveAdapterResponse());
    }

    /// <inheritdoc/>
    public override Task<AdapterInfo> Assign(AssignAdapterRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        CheckName(request.Name, violations);
        violations.ThrowIfAny();
        var generation = store.Assign(request.Name, request.Target, request.HasExpectedSha256 ? request.ExpectedSha256 : null);
        return DescribeAsync(request.Name, generation, context.CancellationToken);
    }

    private static void Check(PutAdapterHeader header)
    {
        var violations = new Violations();
        CheckName(header.Name, violations);
        violations.Range("file_bytes", header.FileBytes, 1, MaxFileBytes);
        if (header.Sha256.Length > 0 && !ContentHash.IsSha256(header.Sha256))
            violations.Add("sha256", $"{header.Sha256.Length} characters", "64 hexadecimal digits");
        violations.ThrowIfAny();
    }

    private static void CheckName(string name, Violations violations)
    {
        if (!AdapterNames.IsValid(name))
            violations.Add("name", name.Length <= 128 ? $"'{name}'" : $"{name.Length} characters", AdapterNames.Rule);
    }

    private async Task<AdapterInfo> DescribeAsync(string name, AdapterGeneration generation, CancellationToken cancellation) =>
        Describe(name, generation, await StatesAsync(cancellation));

    private AdapterInfo Describe(string name, AdapterGeneration generation, IReadOnlyDictionary<string, int> states)
    {
        var info = generation.Info;
        var message = new AdapterInfo
        {
            Name = name,
            Sha256 = generation.Sha256,
            State = states.TryGetValue(generation.Sha256, out var state) && state is >= 1 and <= 3 ? (AdapterState)state : AdapterState.Stored,
            Rank = info.MaxRank,
            Alpha = info.Alpha,
            FileBytes = generation.FileBytes,
            Architecture = info.Architecture,
            ActiveRequests = store.Registry.PinsOf(generation),
        };
        message.Targets.Add(info.Targets.Select(t => TargetKind(t.Tensor)).Distinct().Order(StringComparer.Ordinal));
        return message;
    }

    // "blk.12.attn_q.weight" is of the kind "attn_q".
    private static string TargetKind(string tensor)
    {
        var parts = tensor.Split('.');
        return parts is ["blk", _, var kind, ..] ? kind : parts[0];
    }

    private async Task<IReadOnlyDictionary<string, int>> StatesAsync(CancellationToken cancellation)
    {
        if (supervisor.Status.Session is not { } session)
            return new Dictionary<string, int>();
        try
        {
            var list = await session.AdapterStatesAsync(cancellation);
            return list.States.ToDictionary(s => s.Generation, s => s.State);
        }
        catch (RefusalException)
        {
            // The engine is being started again: everything is on disk.
            return new Dictionary<string, int>();
        }
    }
}
