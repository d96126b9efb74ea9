namespace InferenceHost.Cli.Files;

/// <summary>Progress that is told at once, on the thread that does the work; <see cref="Progress{T}"/> would post it to another.</summary>
internal sealed class HashProgress(Action<long> report) : IProgress<long>
{
    public void Report(long value) => report(value);
}
