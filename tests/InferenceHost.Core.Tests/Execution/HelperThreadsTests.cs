using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Tests.Execution;

public sealed class HelperThreadsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void EveryJobOfEveryRunIsDoneOnceWhenRunReturns(int helpers)
    {
        var done = new int[64];
        using var threads = new HelperThreads(helpers, "test", (worker, job) =>
        {
            Assert.InRange(worker, 0, helpers);
            if (job % 7 == 0) Thread.SpinWait(500);
            Interlocked.Increment(ref done[job]);
        });
        var random = new Random(helpers);
        for (var run = 0; run < 4_000; run++)
        {
            var jobs = random.Next(done.Length + 1);
            Array.Clear(done);
            threads.Run(jobs);
            Assert.True(done.AsSpan(0, jobs).IndexOfAnyExcept(1) < 0, $"run {run}");
            Assert.True(done.AsSpan(jobs).IndexOfAnyExcept(0) < 0, $"run {run}");
        }
    }

    [Fact]
    public void AWorkerNumberIsNeverUsedTwiceAtOnce()
    {
        var busy = new int[4];
        var clashes = 0;
        using var threads = new HelperThreads(3, "test", (worker, _) =>
        {
            if (Interlocked.Increment(ref busy[worker]) != 1) Interlocked.Increment(ref clashes);
            Thread.SpinWait(50);
            Interlocked.Decrement(ref busy[worker]);
        });
        for (var run = 0; run < 1_000; run++) threads.Run(16);
        Assert.Equal(0, clashes);
    }

    [Fact]
    public void AnExceptionIsThrownAfterTheOtherJobsAndTheNextRunIsWhole()
    {
        var done = 0;
        var broken = true;
        using var threads = new HelperThreads(2, "test", (_, job) =>
        {
            if (broken && job % 5 == 2) throw new InvalidOperationException($"job {job}");
            Interlocked.Increment(ref done);
        });
        for (var round = 0; round < 200; round++)
        {
            (broken, done) = (true, 0);
            Assert.StartsWith("job ", Assert.Throws<InvalidOperationException>(() => threads.Run(20)).Message, StringComparison.Ordinal);
            Assert.Equal(16, done);
            (broken, done) = (false, 0);
            threads.Run(20);
            Assert.Equal(20, done);
        }
    }

    [Fact]
    public void DisposeAtAnyMomentEndsTheThreadsAndLosesNoJob()
    {
        for (var round = 0; round < 100; round++)
        {
            var done = 0;
            var threads = new HelperThreads(2, "test", (_, _) =>
            {
                Thread.SpinWait(100);
                Interlocked.Increment(ref done);
            });
            var disposing = new Thread(() =>
            {
                Thread.SpinWait(round * 600);
                threads.Dispose();
            });
            disposing.Start();
            for (var run = 0; run < 20; run++) threads.Run(10);
            Assert.Equal(200, done);
            Assert.True(disposing.Join(TimeSpan.FromSeconds(30)), "dispose hangs");
            threads.Run(10);
            Assert.Equal(210, done);
            threads.Dispose();
        }
    }
}
