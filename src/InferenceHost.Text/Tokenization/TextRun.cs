using System.Buffers;
using System.Text;

namespace InferenceHost.Text.Tokenization;

/// <summary>
/// A stretch of text between special tokens, as UTF-8, with the parts in which no token may be formed that looks like markup of the template.
/// A growing buffer that is used again for the next run.
/// </summary>
internal sealed class TextRun
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly List<(int Start, int End)> _guarded = [];

    /// <summary>The text.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    /// <summary>Whether the whole text begins here (no special token or other text is before it).</summary>
    public bool StartsText { get; private set; }

    /// <summary>Guarded parts as byte ranges, ascending.</summary>
    public IReadOnlyList<(int Start, int End)> Guarded => _guarded;

    /// <summary>Empties the run.</summary>
    public void Clear(bool startsText)
    {
        _bytes.ResetWrittenCount();
        _guarded.Clear();
        StartsText = startsText;
    }

    /// <summary>Adds well-formed UTF-16.</summary>
    public void Append(ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, _bytes);

    /// <summary>Adds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

    /// <summary>Guards the bytes from <paramref name="start"/> to the end so far; neighbours become one range.</summary>
    public void GuardFrom(int start)
    {
        var end = _bytes.WrittenCount;
        if (start == end)
            return;
        if (_guarded.Count > 0 && _guarded[^1].End == start)
            start = TakeLast().Start;
        _guarded.Add((start, end));
    }

    /// <summary>Whether a range touches a guarded part.</summary>
    public bool TouchesGuarded(int start, int end)
    {
        int low = 0, high = _guarded.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_guarded[middle].End <= start)
                low = middle + 1;
            else
                high = middle;
        }

        return low < _guarded.Count && _guarded[low].Start < end;
    }

    private (int Start, int End) TakeLast()
    {
        var last = _guarded[^1];
        _guarded.RemoveAt(_guarded.Count - 1);
        return last;
    }
}
