using System.Buffers;
using System.Text;

namespace InferenceHost.Text.Tokenization;

/// <summary>Collects text up to the next special token and then runs it through normaliser, pre-tokenizer and model. One per call.</summary>
internal sealed class PromptAssembly(
    TokenTrie special, INormaliser normaliser, IPreTokenizer preTokenizer, ITokenModel model, List<int> ids)
{
    private readonly TextRun _run = NewRun();
    private readonly TextRun _normalised = NewRun();

    /// <summary>Adds text as the reference encodes it: markup-like pieces of the vocabulary are formed, special tokens are not.</summary>
    public void AppendPlain(string text) => _run.Append(text);

    /// <summary>Adds text of a message: neither special tokens nor markup-like pieces are formed in it.</summary>
    public void AppendMessage(string text)
    {
        var start = _run.Bytes.Length;
        _run.Append(text);
        _run.GuardFrom(start);
    }

    /// <summary>Adds text of a template: the longest special token at the leftmost place splits it.</summary>
    public void AppendTemplate(string text)
    {
        var length = Encoding.UTF8.GetMaxByteCount(text.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        ReadOnlySpan<byte> bytes = buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer));
        var plain = 0;
        for (var position = 0; position < bytes.Length;)
        {
            if (!special.TryLongest(bytes[position..], out var token, out var tokenBytes))
            {
                position++;
                continue;
            }

            _run.Append(bytes[plain..position]);
            EndRun();
            ids.Add(token);
            _run.Clear(startsText: false);
            position += tokenBytes;
            plain = position;
        }

        _run.Append(bytes[plain..]);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Encodes what was collected since the last special token.</summary>
    public void EndRun()
    {
        if (_run.Bytes.IsEmpty)
            return;
        _normalised.Clear(_run.StartsText);
        normaliser.Normalise(_run, _normalised);
        for (var start = 0; start < _normalised.Bytes.Length;)
        {
            var end = preTokenizer.NextBoundary(_normalised.Bytes, start);
            model.Encode(_normalised, start, end, ids);
            start = end;
        }

        _run.Clear(startsText: false);
    }

    private static TextRun NewRun()
    {
        var run = new TextRun();
        run.Clear(startsText: true);
        return run;
    }
}
