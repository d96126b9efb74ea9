using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Conversation;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>chat</c>: a conversation, or one question.</summary>
internal static class ChatCommand
{
    public static Command Create(CliContext cli)
    {
        var question = new Argument<string?>("question") { Description = "Asks this alone and ends.", Arity = ArgumentArity.ZeroOrOne };
        var stats = new Option<bool>("--stats") { Description = "Write tokens and speed to the error stream behind each answer." };
        var command = new LongRunningCommand(
            "chat",
            "Talks to the model with its own chat template. Without a question: one message a line, until the end of input; /help lists the commands.",
            "chat",
            "chat \"When do you open?\" --adapter bank --temperature 0",
            "chat --system \"Answer in one sentence.\" < questions.txt",
            "chat --messages conversation.json \"And then?\" --json")
        { question, stats };
        ConversationOptions conversation = ConversationOptions.AddTo(command);
        SamplingOptions sampling = SamplingOptions.AddTo(command);
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            GenerateRequest sampled = sampling.Read(parsed);
            if (sampled is { HasN: true, N: not 1 })
                throw new CliException(ExitCode.Usage, "--n: a conversation has one answer.", "'inferencehost generate' gives several samples.");
            ChatRequest template = sampled.ToChatRequest();
            template.ClearAdapter();
            template.TemplateVariables = conversation.ReadVariables(parsed);
            var state = new ChatState(await conversation.ReadMessagesAsync(cli, parsed, cancellationToken).ConfigureAwait(false))
            {
                Adapter = sampled.HasAdapter ? sampled.Adapter : null,
            };
            bool json = parsed.GetValue<bool>(CommonOptions.JsonName);
            var turn = new ChatTurn(cli, server, state, template) { Json = json, ShowsSummary = !json && (parsed.GetValue(stats) || cli.IsPretty) };
            var loop = new ChatLoop(cli, server, state, turn);
            if (parsed.GetValue(question) is not { } single)
                return await loop.RunAsync().ConfigureAwait(false);
            return await loop.AnswerAsync(single).ConfigureAwait(false) ?? ExitCode.Ok;
        });
        return command;
    }
}
