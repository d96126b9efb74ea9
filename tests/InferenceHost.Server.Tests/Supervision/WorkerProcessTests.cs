using System.Diagnostics;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Tests.Supervision;

public sealed class WorkerProcessTests
{
    [Theory]
    [InlineData("echo last words >&2; exit 3", "exit code 3", "last words")]
    [InlineData("echo out; kill -ABRT $$", "signal 6 (abort)", "out")]
    [InlineData("kill -SEGV $$", "signal 11 (segmentation fault)", "")]
    public async Task EndAndLastOutputAreKnown(string script, string end, string output)
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "there is no /bin/sh");
        await using var process = Start(script);
        Assert.Equal(end, await process.Exited.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(output, process.RecentOutput);
    }

    [Fact]
    public async Task KilledProcessIsGone()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "there is no /bin/sh");
        await using var process = Start("exec sleep 1000");
        process.Kill();
        Assert.StartsWith("signal 9", await process.Exited.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
        process.Kill();
    }

    [Fact]
    public void ExecutableThatIsMissingIsNamedWithTheRemedy()
    {
        var error = Assert.Throws<StartupException>(() => new WorkerProcessLauncher("/nowhere/worker").Launch("/tmp/x.sock"));
        Assert.Contains("/nowhere/worker", error.Message, StringComparison.Ordinal);
        Assert.Contains("--worker", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void RingKeepsTheLastLinesAndCutsLongOnes()
    {
        var ring = new LineRing(capacity: 2, maxLineLength: 3);
        foreach (var line in (string[])["one", "", "two", "threee"])
            ring.Add(line);
        Assert.Equal("two\nthr", ring.ToString());
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 250)]
    [InlineData(3, 500)]
    [InlineData(8, 10_000)]
    [InlineData(int.MaxValue, 10_000)]
    public void BackoffBeginsWithNoneAndIsBounded(int failures, int milliseconds) =>
        Assert.Equal(milliseconds, SupervisionOptions.Backoff(failures).TotalMilliseconds);

    private static WorkerProcess Start(string script) =>
        new(new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", script }, RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false });
}
