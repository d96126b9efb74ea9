using System.Text;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Streaming;
using InferenceHost.Server.Supervision;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Services;

/// <summary>Generation and tokenising on the loaded model: check, hand to the engine, stream back.</summary>
internal sealed class InferenceService(EngineSupervisor supervisor, ITenantResolver tenants, AdapterStore adapters, ResponsePump pump, TimeProvider time)
    : Inference.InferenceBase
{
    /// <inheritdoc/>
    public override async Task Generate(GenerateRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        var tenant = tenants.Resolve(context);
        var session = SessionFor(request.HasModel ? request.Model : null);
        GenerateValidator.Check(request, session.Loaded);
        using var adapter = request.HasAdapter ? await adapters.AdmitAsync(request.Adapter, session) : null;
        var submit = SubmitBuilder.Build(request, tenant, adapter?.Generation.Sha256, TimeLeft(context)).WithPrompt(request);
        await RunAsync(session, request, submit, responseStream, context, shaper: null);
    }

    /// <inheritdoc/>
    public override async Task<TokenizeResponse> Tokenize(TokenizeRequest request, ServerCallContext context)
    {
        tenants.Resolve(context);
        var session = SessionFor(request.HasModel ? request.Model : null);
        var violations = new Violations();
        violations.Text("text", request.Text);
        violations.ThrowIfAny();
        var tokens = await session.TokenizeAsync(
            new Wire.Tokenize
            {
                AddSpecial = !request.HasAddSpecial || request.AddSpecial,
                Segments = { new Wire.TextSegment { Text = request.Text, ParseSpecial = request.ParseSpecial } },
            },
            context.CancellationToken);
        var response = new TokenizeResponse();
        response.TokenIds.Add(tokens.Ids);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<DetokenizeResponse> Detokenize(DetokenizeRequest request, ServerCallContext context)
    {
        tenants.Resolve(context);
        var session = SessionFor(request.HasModel ? request.Model : null);
        var violations = new Violations();
        GenerateValidator.Tokens("token_ids", request.TokenIds, session.Loaded, violations);
        violations.ThrowIfAny();
        var text = await session.DetokenizeAsync(new Wire.Detokenize { Ids = { request.TokenIds } }, context.CancellationToken);
        return new DetokenizeResponse { Text = Encoding.UTF8.GetString(text.Utf8.Span) };
    }

    private Task RunAsync(
        EngineSession session, GenerateRequest request, Wire.Submit submit, IServerStreamWriter<GenerateResponse> writer, ServerCallContext context, IResponseShaper? shaper)
    {
        var wanted = request.HasN ? request.N : 1;
        return submit.N > wanted
            ? pump.StreamBestAsync(session, submit, wanted, writer, context, shaper)
            : pump.StreamAsync(session, submit, writer, context, shaper);
    }

    private EngineSession SessionFor(string? model)
    {
        var session = supervisor.Session;
        return model is null || model == session.Model.Name ? session : throw new RefusalException(Refusal.ModelNotFound(model));
    }

    private TimeSpan? TimeLeft(ServerCallContext context)
    {
        if (context.Deadline == DateTime.MaxValue)
            return null;
        var left = context.Deadline - time.GetUtcNow().UtcDateTime;
        return left > TimeSpan.Zero ? left : throw new RefusalException(Refusal.DeadlineExceeded);
    }
}
