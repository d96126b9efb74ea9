using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Adapters;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>An engine that keeps account of adapters: what it was told to load and drop, in order.</summary>
internal sealed class AdapterScript : Script
{
    private readonly Lock _gate = new();
    private readonly List<string> _calls = [];
    private readonly Dictionary<string, int> _states = [];

    public AdapterScript()
    {
        Before = Account;
    }

    /// <summary>Answers the load of an adapter itself; true = handled.</summary>
    public Func<ScriptedEngine, ToWorker, bool>? OnLoadAdapter { get; set; }

    /// <summary><c>load SHA</c>, <c>install SHA</c>, <c>drop SHA</c> with the first 8 digits, in order, for all engines.</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_gate)
                return [.. _calls];
        }
    }

    private bool Account(ScriptedEngine engine, ToWorker message)
    {
        lock (_gate)
        {
            switch (message.BodyCase)
            {
                case ToWorker.BodyOneofCase.LoadAdapter:
                    _calls.Add($"{(message.LoadAdapter.Install ? "install" : "load")} {message.LoadAdapter.Generation[..8]}");
                    if (OnLoadAdapter?.Invoke(engine, message) == true)
                        return true;
                    Assert.True(File.Exists(message.LoadAdapter.Path));
                    _states[message.LoadAdapter.Generation] = message.LoadAdapter.Install ? 3 : 2;
                    return false;
                case ToWorker.BodyOneofCase.DropAdapter:
                    _calls.Add($"drop {message.DropAdapter.Generation[..8]}");
                    _states.Remove(message.DropAdapter.Generation);
                    return false;
                case ToWorker.BodyOneofCase.AdapterStates:
                    var list = new AdapterStateList();
                    list.States.Add(_states.Select(s => new AdapterState { Generation = s.Key, State = s.Value }));
                    engine.Send(new FromWorker { CallId = message.CallId, AdapterStateList = list });
                    return true;
                default:
                    return false;
            }
        }
    }
}

/// <summary>A probe that says what a test says.</summary>
internal sealed class ScriptedProbe(Func<string, string?>? verdict = null) : IAdapterProbe
{
    private int _runs;

    public int Runs => Volatile.Read(ref _runs);

    public Task<string?> RunAsync(string modelPath, string adapterPath, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _runs);
        return Task.FromResult(verdict?.Invoke(adapterPath));
    }
}
