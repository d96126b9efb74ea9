using Grpc.Core;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Conversation;

/// <summary>One question and its answer.</summary>
internal sealed class ChatTurn(CliContext cli, ServerConnection server, ChatState state, ChatRequest template)
{
    /// <summary>Writes each message of the stream as JSON instead of its text.</summary>
    public bool Json { get; init; }

    /// <summary>Writes tokens and speed behind each answer.</summary>
    public bool ShowsSummary { get; init; }

    /// <summary>Asks and shows the answer. What had arrived of an answer that was cancelled stays in the conversation.</summary>
    /// <exception cref="RpcException">The server refused or failed; the question is taken back.</exception>
    public async Task AskAsync(string question, CancellationToken cancellationToken)
    {
        state.AddUser(question);
        ChatRequest request = template.Clone();
        request.Messages.Add(state.Messages);
        if (state.Adapter is { } adapter)
            request.Adapter = adapter;
        var view = new CompletionView(cli, samples: 1);
        var answer = new System.Text.StringBuilder();
        Usage? usage = null;
        bool answered = false;
        try
        {
            using AsyncServerStreamingCall<GenerateResponse> call = server.Inference.Chat(request, server.Call(cancellationToken));
            await foreach (GenerateResponse message in call.ResponseStream.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                answered = true;
                usage = message.Usage ?? usage;
                answer.Append(message.Text);
                if (Json)
                    cli.WriteJsonPart(message);
                else
                    view.Show(message);
            }
        }
        catch (RpcException) when (cancellationToken.IsCancellationRequested && answered)
        {
            // Stopped by the user: the part that is there counts as the answer.
        }
        catch (RpcException)
        {
            state.RemoveLast();
            throw;
        }
        finally
        {
            if (answered && !Json)
                view.End();
        }
        state.AddAssistant(answer.ToString(), usage);
        if (ShowsSummary && view is { Usage: { } used, FinishReason: { } reason })
            cli.Note(CompletionView.Summary(used, reason));
    }
}
