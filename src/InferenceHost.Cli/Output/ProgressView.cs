using Spectre.Console;

namespace InferenceHost.Cli.Output;

/// <summary>Progress of one piece of work in named stages: a bar on a terminal, else one line per stage, always on the error stream.</summary>
internal sealed class ProgressView : IProgress<(string Stage, double Fraction)>
{
    private readonly TextWriter? _plain;
    private readonly ProgressTask? _task;
    private string? _stage;

    private ProgressView(TextWriter? plain, ProgressTask? task)
    {
        _plain = plain;
        _task = task;
    }

    /// <summary>Runs <paramref name="work"/> under a bar. With <paramref name="quiet"/> nothing is shown.</summary>
    public static async Task<T> RunAsync<T>(CliContext cli, bool quiet, Func<IProgress<(string Stage, double Fraction)>, Task<T>> work)
    {
        if (quiet || !cli.IsErrorPretty)
            return await work(new ProgressView(quiet ? null : cli.Error, null)).ConfigureAwait(false);
        return await cli.AnsiError.Progress()
            .AutoClear(true)
            .Columns(new SpinnerColumn(), new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context => await work(new ProgressView(null, context.AddTask("starting", maxValue: 1))).ConfigureAwait(false))
            .ConfigureAwait(false);
    }

    /// <summary>Shows a stage and the part of it that is done, 0 .. 1.</summary>
    public void Report((string Stage, double Fraction) value)
    {
        if (_task is not null)
        {
            _task.Description = Markup.Escape(TerminalText.Sanitize(value.Stage));
            _task.Value = double.Clamp(value.Fraction, 0, 1);
        }
        else if (_stage != value.Stage)
        {
            _plain?.WriteLine(value.Stage);
        }
        _stage = value.Stage;
    }
}
