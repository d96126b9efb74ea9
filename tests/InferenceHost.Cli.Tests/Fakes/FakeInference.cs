using Grpc.Core;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Fakes;

/// <summary>Tokens are the UTF-16 units of a text.</summary>
internal sealed class FakeInference(Script script) : Inference.InferenceBase
{
    public override Task Generate(GenerateRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        script.Note(request);
        return StreamAsync(responseStream, context);
    }

    public override Task Chat(ChatRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        script.Note(request);
        return StreamAsync(responseStream, context);
    }

    public override Task<RenderResponse> Render(RenderRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(new RenderResponse
        {
            Text = "<user>Hi\u001b[2J",
            Spans = { new RenderSpan { Text = "<user>", FromTemplate = true }, new RenderSpan { Text = "Hi\u001b[2J" } },
            TokenIds = { 1, 2, 3 },
        });
    }

    public override Task<TokenizeResponse> Tokenize(TokenizeRequest request, ServerCallContext context)
    {
        script.Note(request);
        return Task.FromResult(new TokenizeResponse { TokenIds = { request.Text.Select(c => (int)c) } });
    }

    public override Task<DetokenizeResponse> Detokenize(DetokenizeRequest request, ServerCallContext context)
    {
        script.Note(request);
        if (request.TokenIds.Any(id => id < 0))
            throw new RpcException(new Status(StatusCode.InvalidArgument, "token_ids[0] is -1, allowed are 0 .. 65535"));
        return Task.FromResult(new DetokenizeResponse { Text = string.Concat(request.TokenIds.Select(id => (char)id)) });
    }

    private async Task StreamAsync(IServerStreamWriter<GenerateResponse> stream, ServerCallContext context)
    {
        foreach (GenerateResponse message in script.Messages)
            await stream.WriteAsync(message);
        script.Streamed.TrySetResult();
        if (!script.NeverEnds)
            return;
        try
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }
        finally
        {
            script.Cancelled.TrySetResult();
        }
    }
}
