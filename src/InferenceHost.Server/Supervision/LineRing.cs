namespace InferenceHost.Server.Supervision;

/// <summary>Keeps the last lines of a text stream, for error messages. Safe for one writer and many readers.</summary>
internal sealed class LineRing(int capacity = 20, int maxLineLength = 400)
{
    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new(capacity);

    /// <summary>Adds a line, dropping the oldest and cutting what is too long.</summary>
    public void Add(string line)
    {
        if (line.Length == 0)
            return;
        lock (_gate)
        {
            if (_lines.Count == capacity)
                _lines.Dequeue();
            _lines.Enqueue(line.Length > maxLineLength ? line[..maxLineLength] : line);
        }
    }

    /// <summary>The lines, oldest first.</summary>
    public override string ToString()
    {
        lock (_gate)
            return string.Join('\n', _lines);
    }
}
