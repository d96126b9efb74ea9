using System.Runtime.InteropServices;
using Grpc.Core;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Protocol.V1;
using Spectre.Console;

namespace InferenceHost.Cli.Conversation;

/// <summary>Reads lines until the end of input or /quit: questions go to the model, commands to this program.</summary>
internal sealed class ChatLoop(CliContext cli, ServerConnection server, ChatState state, ChatTurn turn)
{
    private const string HelpText = """
        /system TEXT     set the system message; without TEXT the template's own is used
        /adapter NAME    answer with this LoRA adapter; without NAME with the base model
        /reset           forget the conversation; system message and adapter stay
        /stats           tokens of this conversation and state of the server
        /help            this text
        /quit            leave (also Ctrl-D)
        Ctrl-C stops an answer; at the prompt it leaves. A message that starts with '/' is written '//'. A '\' at the end of a line continues it.
        """;

    private CancellationTokenSource? _answering;

    private bool IsInteractive => !cli.IsInputRedirected && cli.IsPretty;

    public async Task<int> RunAsync()
    {
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, StopAnswer);
        if (IsInteractive)
            await GreetAsync().ConfigureAwait(false);
        while (await ReadAsync().ConfigureAwait(false) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            if (!SlashCommand.TryParse(line, out SlashCommand command, out string message))
            {
                if (await AnswerAsync(message).ConfigureAwait(false) is { } failure && !IsInteractive)
                    return failure;
            }
            else if (command.Name is "quit" or "exit")
            {
                break;
            }
            else
            {
                await ExecuteAsync(command).ConfigureAwait(false);
            }
        }
        return ExitCode.Ok;
    }

    /// <summary>Asks one question.</summary>
    /// <returns>Null, or the exit code of a failure that was shown already.</returns>
    public async Task<int?> AnswerAsync(string message)
    {
        using var answering = new CancellationTokenSource();
        _answering = answering;
        try
        {
            await turn.AskAsync(message, answering.Token).ConfigureAwait(false);
            return answering.IsCancellationRequested ? ExitCode.Cancelled : null;
        }
        catch (RpcException exception)
        {
            if (answering.IsCancellationRequested)
                return ExitCode.Cancelled;
            ErrorReport report = CallErrors.Explain(exception, server.Endpoint);
            report.Write(cli, asJson: turn.Json);
            return report.ExitCode;
        }
        finally
        {
            _answering = null;
        }
    }

    // Ctrl-C while an answer comes stops the answer; otherwise the signal does what it always does.
    private void StopAnswer(PosixSignalContext context)
    {
        if (_answering is not { } answering)
            return;
        context.Cancel = true;
        try
        {
            answering.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The answer has just ended.
        }
    }

    private async Task GreetAsync()
    {
        DescribeModelResponse model = await server.Models.DescribeAsync(new DescribeModelRequest(), server.Call(CancellationToken.None)).ConfigureAwait(false);
        cli.Ansi.Write(new Rule(Markup.Escape(TerminalText.Sanitize(model.Info?.Name ?? ""))) { Justification = Justify.Left, Style = new Style(Color.Blue) });
        cli.Note($"{model.Serving?.Device}, {Quantities.Count(model.Serving?.ContextTokens ?? 0)} tokens of context. /help lists the commands.");
    }

    private async Task<string?> ReadAsync()
    {
        var text = new System.Text.StringBuilder();
        while (true)
        {
            if (IsInteractive)
                cli.Ansi.Write(new StyledText(text.Length == 0 ? $"{state.Adapter ?? "base"} > " : "... ", new Style(Color.Green, decoration: Decoration.Bold)));
            string? line = await cli.In.ReadLineAsync(CancellationToken.None).ConfigureAwait(false);
            if (line is null)
                return text.Length > 0 ? text.ToString() : null;
            if (!line.EndsWith('\\'))
                return text.Append(line).ToString();
            text.Append(line, 0, line.Length - 1).Append('\n');
        }
    }

    private async Task ExecuteAsync(SlashCommand command)
    {
        switch (command.Name)
        {
            case "system":
                state.System = command.Argument.Length > 0 ? command.Argument : null;
                cli.Note(state.System is null ? "system message: the template's own" : "system message set");
                break;
            case "adapter":
                await SwitchAdapterAsync(command.Argument).ConfigureAwait(false);
                break;
            case "reset":
                state.Reset();
                cli.Note("conversation forgotten");
                break;
            case "stats":
                await ShowStatsAsync().ConfigureAwait(false);
                break;
            case "help":
                cli.Note(HelpText);
                break;
            default:
                cli.Note($"/{command.Name} is no command; /help lists them");
                break;
        }
    }

    private async Task SwitchAdapterAsync(string name)
    {
        if (name.Length == 0)
        {
            state.Adapter = null;
            cli.Note("answering with the base model");
            return;
        }
        try
        {
            AdapterInfo adapter = await server.Adapters.DescribeAsync(new DescribeAdapterRequest { Name = name }, server.Call(CancellationToken.None)).ConfigureAwait(false);
            state.Adapter = adapter.Name;
            cli.Note($"answering with {adapter.Name} ({AdapterView.Short(adapter.Sha256)})");
        }
        catch (RpcException exception)
        {
            CallErrors.Explain(exception, server.Endpoint).Write(cli, asJson: turn.Json);
        }
    }

    private async Task ShowStatsAsync()
    {
        cli.Note($"{state.Turns} answers: {state.PromptTokens} prompt tokens ({state.CachedPromptTokens} cached), "
            + $"{state.CompletionTokens} generated at {Quantities.Rate(state.CompletionTokens, state.DecodeMs)}");
        try
        {
            GetStatsResponse stats = await server.Operations.GetStatsAsync(new GetStatsRequest(), server.Call(CancellationToken.None)).ConfigureAwait(false);
            cli.Note($"server: {stats.State}, {stats.Engine?.Running ?? 0} running, {stats.Engine?.Waiting ?? 0} waiting");
        }
        catch (RpcException exception)
        {
            CallErrors.Explain(exception, server.Endpoint).Write(cli, asJson: turn.Json);
        }
    }
}
