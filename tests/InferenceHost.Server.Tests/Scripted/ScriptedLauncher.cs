using System.Threading.Channels;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>Starts scripted engines and hands them to the test in order.</summary>
internal sealed class ScriptedLauncher(Script script) : IWorkerLauncher
{
    private readonly Channel<ScriptedEngine> _started = Channel.CreateUnbounded<ScriptedEngine>();
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public IWorkerProcess Launch(string socketPath)
    {
        var engine = new ScriptedEngine(socketPath, Interlocked.Increment(ref _count), script);
        _started.Writer.TryWrite(engine);
        return engine;
    }

    /// <summary>The next engine that was started.</summary>
    public async Task<ScriptedEngine> NextAsync() => await _started.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
}
