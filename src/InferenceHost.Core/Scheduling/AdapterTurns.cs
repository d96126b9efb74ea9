namespace InferenceHost.Core.Scheduling;

/// <summary>For engines with one adapter, at one strength, per call: which adapter's sequences the next step computes. Groups take turns; the one that has waited longest is next.</summary>
internal sealed class AdapterTurns
{
    /// <summary>Steps a group keeps the engine while others wait: a change costs the engine more than a step.</summary>
    private const int StepsPerTurn = 4;

    private readonly Dictionary<(int Slot, float Scale), long> _lastServed = [];
    private long _step;
    private (int Slot, float Scale) _current = (-1, 1);
    private int _left;

    public (int Slot, float Scale) Next(IReadOnlyList<Sequence> running)
    {
        _step++;
        var currentRuns = false;
        (int Slot, float Scale)? waiting = null;
        foreach (var sequence in running)
        {
            var key = (sequence.AdapterSlot, sequence.AdapterScale);
            if (key == _current) currentRuns = true;
            else if (waiting is not { } other || _lastServed.GetValueOrDefault(key) < _lastServed.GetValueOrDefault(other)) waiting = key;
        }
        if (waiting is { } next && (!currentRuns || _left <= 0))
        {
            _current = next;
            _left = StepsPerTurn;
        }
        _left--;
        _lastServed[_current] = _step;
        return _current;
    }
}
