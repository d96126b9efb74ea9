using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Lines;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;
using InferenceHost.Text.ChatTemplates;
using Spectre.Console;

namespace InferenceHost.Cli.Commands;

/// <summary><c>render</c>: what a chat sends to the model, and who wrote which part of it.</summary>
internal static class RenderCommand
{
    private static readonly Style FromTemplate = new(Color.Yellow);
    private static readonly Style FromMessage = new(Color.Green);

    public static Command Create(CliContext cli)
    {
        var text = new Argument<string?>("text") { Description = "User message, behind those of --messages.", Arity = ArgumentArity.ZeroOrOne };
        var continues = new Option<bool>("--continue") { Description = "The last message is an unfinished assistant turn." };
        var tokens = new Option<bool>("--tokens") { Description = "Show the token ids as well." };
        var lines = new Option<bool>("--lines") { Description = "Read {\"template\", \"values\", \"now\"} a line from standard input, write {\"output\"} or {\"error\"}. Needs neither server nor model." };
        var command = new CliCommand(
            "render",
            "Shows the prompt that a chat makes of messages: yellow is written by the model's template, green comes from messages and is taken literally.",
            "render \"Hello\" --system \"Be brief.\"",
            "render --messages conversation.json --var enable_thinking=false --json",
            "render --lines < templates.jsonl")
        { text, continues, tokens, lines };
        ConversationOptions conversation = ConversationOptions.AddTo(command);
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            if (parsed.GetValue(lines))
                return await JsonLines.TransformAsync(cli, TemplateLines.Render, cancellationToken).ConfigureAwait(false);
            var request = new RenderRequest
            {
                TemplateVariables = conversation.ReadVariables(parsed),
                ContinueFinalMessage = parsed.GetValue(continues),
            };
            request.Messages.Add(await conversation.ReadMessagesAsync(cli, parsed, cancellationToken).ConfigureAwait(false));
            if (parsed.GetValue(text) is { } user)
                request.Messages.Add(new ChatMessage { Role = "user", Content = user });
            RenderResponse rendered = await server.Inference.RenderAsync(request, server.Call(cancellationToken)).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(rendered);
            else
                Show(cli, rendered, parsed.GetValue(tokens));
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(CliContext cli, RenderResponse rendered, bool tokens)
    {
        if (cli.IsPretty)
        {
            foreach (RenderSpan span in rendered.Spans)
                cli.Ansi.Write(new StyledText(TerminalText.Sanitize(span.Text), span.FromTemplate ? FromTemplate : FromMessage));
            cli.Ansi.WriteLine();
            cli.Note($"{rendered.TokenIds.Count} tokens; yellow = template, green = message");
        }
        else
        {
            cli.Out.WriteLine(rendered.Text);
        }
        if (tokens)
            cli.Out.WriteLine(string.Join(' ', rendered.TokenIds));
    }
}
