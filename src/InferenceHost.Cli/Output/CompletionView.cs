using System.Globalization;
using System.Text;
using InferenceHost.Protocol.V1;
using Spectre.Console;

namespace InferenceHost.Cli.Output;

/// <summary>
/// Shows a stream of <see cref="GenerateResponse"/>: the text as it comes. Several samples are written one after the other when each has ended,
/// since their messages are interleaved.
/// </summary>
internal sealed class CompletionView(CliContext cli, int samples)
{
    private readonly StringBuilder[] _waiting = [.. Enumerable.Range(0, samples > 1 ? samples : 0).Select(_ => new StringBuilder())];
    private readonly StringBuilder _text = new();
    private readonly List<TokenLogprob> _logprobs = [];
    private bool _inReasoning;

    /// <summary>Text of the only sample so far, without reasoning.</summary>
    public string Text => _text.ToString();

    /// <summary>Usage of the sample that ended last; null while none has.</summary>
    public Usage? Usage { get; private set; }

    public FinishReason? FinishReason { get; private set; }

    public void Show(GenerateResponse message)
    {
        if (_waiting.Length > 0)
        {
            ShowSample(message);
        }
        else
        {
            WriteReasoning(message.Reasoning);
            WriteText(message.Text);
            _text.Append(message.Text);
        }
        _logprobs.AddRange(message.Logprobs);
        if (message.HasFinishReason)
        {
            Usage = message.Usage;
            FinishReason = message.FinishReason;
        }
    }

    /// <summary>Ends the last line, also of a text that was cut off.</summary>
    public void End()
    {
        if (_waiting.Length == 0 && (_text.Length == 0 || _text[^1] != '\n'))
            cli.Out.WriteLine();
        if (_logprobs.Count > 0)
            WriteLogprobs();
        cli.Out.Flush();
    }

    /// <summary>One line about the last generation: tokens, speed, why it ended.</summary>
    public static string Summary(Usage usage, FinishReason reason)
    {
        string cached = usage.CachedPromptTokens > 0 ? $" ({usage.CachedPromptTokens} cached)" : "";
        string drafted = usage.AcceptedDraftTokens > 0 ? $", {usage.AcceptedDraftTokens} drafted" : "";
        var first = TimeSpan.FromMilliseconds(usage.QueueMs + usage.PrefillMs);
        return $"{usage.PromptTokens} prompt tokens{cached}, first token after {Quantities.Duration(first)}, "
            + $"{usage.CompletionTokens} tokens{drafted}, {Quantities.Rate(usage.CompletionTokens - 1, usage.DecodeMs)}, {Describe(reason)}";
    }

    private static string Describe(FinishReason reason) => reason switch
    {
        Protocol.V1.FinishReason.Stop => "ended by the model",
        Protocol.V1.FinishReason.StopSequence => "ended by a stop string",
        Protocol.V1.FinishReason.MaxTokens => "ended by --max-tokens",
        Protocol.V1.FinishReason.Cancelled => "cancelled by the server",
        _ => "ended",
    };

    private void ShowSample(GenerateResponse message)
    {
        StringBuilder waiting = _waiting[Math.Clamp(message.Index, 0, _waiting.Length - 1)];
        waiting.Append(message.Text);
        if (!message.HasFinishReason)
            return;
        cli.Out.WriteLine($"--- sample {message.Index}: {Describe(message.FinishReason)}");
        WriteText(waiting.ToString());
        cli.Out.WriteLine();
        cli.Out.Flush();
    }

    private void WriteText(string text)
    {
        if (text.Length == 0)
            return;
        if (_inReasoning)
        {
            cli.Error.WriteLine();
            _inReasoning = false;
        }
        cli.Out.Write(cli.IsPretty ? TerminalText.Sanitize(text) : text);
        cli.Out.Flush();
    }

    // Reasoning is no part of the answer: it is shown, but a pipe does not get it.
    private void WriteReasoning(string text)
    {
        if (text.Length == 0)
            return;
        _inReasoning = true;
        if (cli.IsErrorPretty)
            cli.AnsiError.Write(new StyledText(TerminalText.Sanitize(text), new Style(Color.Grey, decoration: Decoration.Italic)));
        else
            cli.Error.Write(text);
    }

    private void WriteLogprobs()
    {
        var table = new TableView("token id", "log-probability", "alternatives");
        foreach (TokenLogprob token in _logprobs)
            table.Add($"{token.Id}", Format(token.LogProbability), string.Join(", ", token.Alternatives.Select(a => $"{a.Id}: {Format(a.LogProbability)}")));
        table.Write(cli);
    }

    private static string Format(float logProbability) => logProbability.ToString("0.0000", CultureInfo.InvariantCulture);
}
