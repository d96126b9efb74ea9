using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary>Messages and template variables from files and options.</summary>
internal static class MessageInput
{
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(false));

    /// <summary>Reads a JSON array of messages, e.g. <c>[{"role": "user", "content": "Hi"}]</c>, from a file or ("-") standard input.</summary>
    /// <exception cref="CliException">The text is no such array.</exception>
    public static async Task<List<ChatMessage>> ReadMessagesAsync(CliContext cli, string path, CancellationToken cancellationToken)
    {
        string json = path == "-"
            ? await cli.In.ReadToEndAsync(cancellationToken).ConfigureAwait(false)
            : await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
                throw new CliException(ExitCode.Usage, $"--messages: {path} holds no JSON array.");
            return [.. document.RootElement.EnumerateArray().Select(message => Parser.Parse<ChatMessage>(message.GetRawText()))];
        }
        catch (Exception exception) when (exception is JsonException or InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new CliException(ExitCode.Usage, $"--messages: {path}: {exception.Message}", "A message is written {\"role\": \"user\", \"content\": \"…\"}.");
        }
    }

    /// <summary>Template variables from <c>NAME=VALUE</c>; a value that is JSON keeps its type, else it is a string. Null where there are none.</summary>
    /// <exception cref="CliException">A text without "=".</exception>
    public static Struct? ReadVariables(IReadOnlyList<string> assignments)
    {
        if (assignments.Count == 0)
            return null;
        var variables = new Struct();
        foreach (string assignment in assignments)
        {
            int split = assignment.IndexOf('=', StringComparison.Ordinal);
            if (split <= 0)
                throw new CliException(ExitCode.Usage, $"--var: '{assignment}' is not NAME=VALUE, e.g. enable_thinking=false.");
            variables.Fields[assignment[..split]] = ReadValue(assignment[(split + 1)..]);
        }
        return variables;
    }

    private static Value ReadValue(string text)
    {
        try
        {
            return Parser.Parse<Value>(text);
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidJsonException)
        {
            return Value.ForString(text);
        }
    }
}
