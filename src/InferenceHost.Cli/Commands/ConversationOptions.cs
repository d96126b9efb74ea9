using System.CommandLine;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary>Options that make up a conversation: <c>chat</c> starts from it, <c>render</c> shows it.</summary>
internal sealed class ConversationOptions
{
    private readonly Option<string?> _system = new("--system") { Description = "System message.", HelpName = "TEXT" };
    private readonly Option<string?> _messages = new("--messages") { Description = "JSON file with an array of messages to start from; '-' = standard input.", HelpName = "FILE" };
    private readonly Option<string[]> _variables = new("--var") { Description = "Variable of the chat template, e.g. enable_thinking=false (repeatable).", HelpName = "NAME=VALUE" };

    private ConversationOptions()
    {
    }

    public static ConversationOptions AddTo(Command command)
    {
        var options = new ConversationOptions();
        command.Add(options._system);
        command.Add(options._messages);
        command.Add(options._variables);
        return options;
    }

    /// <summary>System message and messages of the file, in this order.</summary>
    public async Task<List<ChatMessage>> ReadMessagesAsync(CliContext cli, ParseResult parsed, CancellationToken cancellationToken)
    {
        var messages = new List<ChatMessage>();
        if (parsed.GetValue(_system) is { } system)
            messages.Add(new ChatMessage { Role = "system", Content = system });
        if (parsed.GetValue(_messages) is { } path)
            messages.AddRange(await MessageInput.ReadMessagesAsync(cli, path, cancellationToken).ConfigureAwait(false));
        return messages;
    }

    public Google.Protobuf.WellKnownTypes.Struct? ReadVariables(ParseResult parsed) => MessageInput.ReadVariables(parsed.GetValue(_variables) ?? []);
}
