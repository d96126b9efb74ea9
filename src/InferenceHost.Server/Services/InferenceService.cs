using System.Text;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Chat;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Streaming;
using InferenceHost.Server.Supervision;
using InferenceHost.Text.ChatTemplates;
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
    public override async Task Chat(ChatRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        var tenant = tenants.Resolve(context);
        var session = SessionFor(request.HasModel ? request.Model : null);
        var sampling = ChatFields.ToGenerate(request);
        var violations = new Violations();
        ChatValidator.Check(request.Messages, request.TemplateVariables, request.ContinueFinalMessage, violations);
        GenerateValidator.Sampling(sampling, session.Loaded, violations);
        violations.ThrowIfAny();
        var prompt = ChatPromptBuilder.Build(
            session.Model.Template, session.Loaded, request.Messages, request.TemplateVariables, request.ContinueFinalMessage, time);
        using var adapter = request.HasAdapter ? await adapters.AdmitAsync(request.Adapter, session) : null;
        var submit = SubmitBuilder.Build(sampling, tenant, adapter?.Generation.Sha256, TimeLeft(context));
        submit.Segments.Add(prompt.Segments);
        submit.AddBos = session.Loaded.AddsBos;
        var shaper = prompt.HasReasoning ? new ReasoningShaper(prompt.StartsInReasoning, submit.N) : null;
        await RunAsync(session, sampling, submit, responseStream, context, shaper);
    }

    /// <inheritdoc/>
    public override async Task<RenderResponse> Render(RenderRequest request, ServerCallContext context)
    {
        tenants.Resolve(context);
        var session = SessionFor(request.HasModel ? request.Model : null);
        var violations = new Violations();
        ChatValidator.Check(request.Messages, request.TemplateVariables, request.ContinueFinalMessage, violations);
        violations.ThrowIfAny();
        var prompt = ChatPromptBuilder.Build(
            session.Model.Template, session.Loaded, request.Messages, request.TemplateVariables, request.ContinueFinalMessage, time);
        var tokenize = new Wire.Tokenize { AddSpecial = session.Loaded.AddsBos };
        tokenize.Segments.Add(prompt.Segments);
        var tokens = await session.TokenizeAsync(tokenize, context.CancellationToken);
        var response = new RenderResponse { Text = prompt.Text };
        response.Spans.Add(prompt.Spans.Select(s => new RenderSpan { Text = s.Text, FromTemplate = s.Origin == TextOrigin.Template }));
        response.TokenIds.Add(tokens.Ids);
        return response;
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
