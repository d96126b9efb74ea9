using InferenceHost.Cli.Client;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Lines;

/// <summary>The tokenizer of the model a server has loaded. The connection belongs to the caller.</summary>
internal sealed class ServerCodec(ServerConnection server, TokenizeRequest template) : ITextCodec
{
    public async ValueTask<IReadOnlyList<int>> EncodeAsync(string text, CancellationToken cancellationToken)
    {
        TokenizeRequest request = template.Clone();
        request.Text = text;
        return (await server.Inference.TokenizeAsync(request, server.Call(cancellationToken)).ConfigureAwait(false)).TokenIds;
    }

    public async ValueTask<string> DecodeAsync(IReadOnlyList<int> ids, CancellationToken cancellationToken)
    {
        var request = new DetokenizeRequest();
        if (template.HasModel)
            request.Model = template.Model;
        request.TokenIds.Add(ids);
        return (await server.Inference.DetokenizeAsync(request, server.Call(cancellationToken)).ConfigureAwait(false)).Text;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
