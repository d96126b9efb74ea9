using System.Runtime.ExceptionServices;

namespace InferenceHost.Core.Execution;

/// <summary>
/// Threads that take the jobs of a step together with the engine thread. Jobs are numbered and taken from one counter by whoever is free; the engine thread waits
/// only for jobs that a helper has begun, never for a helper that has not woken. Helpers sleep between two runs: spinning would take the cores from the engine's own threads.
/// </summary>
internal sealed class HelperThreads : IDisposable
{
    private readonly Action<int, int> _work;
    private readonly ManualResetEventSlim[] _wake;
    private readonly Thread[] _threads;

    // Number of jobs in the upper half, number of the next one in the lower: one atomic step gives both, so a helper that comes late cannot take a job of another run.
    private long _ticket;
    private int _done;
    private bool _stopping;
    private Exception? _fault;

    /// <param name="helpers">Threads beside the caller's.</param>
    /// <param name="name">Name of the threads; a number is added.</param>
    /// <param name="work">Does a job: number of the worker (0 = the caller of <see cref="Run"/>), number of the job. Called by several threads, never twice at once with the same worker.</param>
    public HelperThreads(int helpers, string name, Action<int, int> work)
    {
        _work = work;
        _wake = new ManualResetEventSlim[helpers];
        _threads = new Thread[helpers];
        for (var i = 0; i < helpers; i++)
        {
            var helper = i;
            _wake[i] = new ManualResetEventSlim(false, spinCount: 0);
            _threads[i] = new Thread(() => Help(helper)) { IsBackground = true, Name = $"{name} {i + 1}" };
            _threads[i].Start();
        }
    }

    /// <summary>Does jobs 0..<paramref name="jobs"/> - 1, each once, and returns when all are done. Of several exceptions the first is thrown, after the other jobs.</summary>
    public void Run(int jobs)
    {
        _done = 0;
        Volatile.Write(ref _ticket, (long)jobs << 32);
        for (var helper = 0; helper < Math.Min(_wake.Length, jobs - 1); helper++) _wake[helper].Set();
        TakeJobs(0);
        // At most the rest of one job: too short to sleep, but a core that the helper needs is yielded.
        for (var spin = new SpinWait(); Volatile.Read(ref _done) < jobs;) spin.SpinOnce(sleep1Threshold: -1);
        if (_fault is not { } fault) return;
        _fault = null;
        ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>Ends the threads; a <see cref="Run"/> in progress or to come is done by its caller alone.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _stopping, true);
        foreach (var wake in _wake) wake.Set();
        foreach (var thread in _threads) thread.Join();
    }

    private void Help(int helper)
    {
        var wake = _wake[helper];
        while (true)
        {
            wake.Wait();
            // Before looking for jobs: jobs that come afterwards wake it again.
            wake.Reset();
            if (Volatile.Read(ref _stopping)) return;
            TakeJobs(helper + 1);
        }
    }

    private void TakeJobs(int worker)
    {
        while (true)
        {
            var taken = Interlocked.Increment(ref _ticket) - 1;
            var (jobs, job) = ((int)(taken >> 32), (int)taken);
            if (job >= jobs) return;
            try
            {
                _work(worker, job);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _fault, e, null);
            }
            finally
            {
                Interlocked.Increment(ref _done);
            }
        }
    }
}
