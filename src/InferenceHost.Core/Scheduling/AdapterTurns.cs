namespace InferenceHost.Core.Scheduling;

/// <summary>For engines with one adapter per call: which adapter's sequences the next step computes. Groups take turns; the one that has waited longest is next.</summary>
internal sealed class AdapterTurns
{
    /// <summary>Steps a group keeps the engine while others wait: a change costs the engine more than a step.</summary>
    private const int StepsPerTurn = 4;

    private readonly Dictionary<int, long> _lastServed = [];
    private long _step;
    private int _current = -1;
    private int _left;

    public int Next(IReadOnlyList<Sequence> running)
    {
        _step++;
        var currentRuns = false;
        var waiting = -1;
        foreach (var sequence in running)
        {
            var slot = sequence.AdapterSlot;
            if (slot == _current) currentRuns = true;
            else if (waiting < 0 || _lastServed.GetValueOrDefault(slot) < _lastServed.GetValueOrDefault(waiting)) waiting = slot;
        }
        if (!currentRuns || (waiting >= 0 && _left <= 0))
        {
            _current = waiting;
            _left = StepsPerTurn;
        }
        _left--;
        _lastServed[_current] = _step;
        return _current;
    }
}
