using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Streaming;

/// <summary>What one step produced for all sequences together; its buffers are reused from step to step.</summary>
public sealed class StepFrame
{
    private readonly List<SequenceDelta> _deltas = [];
    private readonly List<int> _alternativeStarts = [];
    private byte[] _text = new byte[4096];
    private int[] _tokens = new int[256];
    private float[] _logProbabilities = new float[256];
    private TokenLogProbability[] _alternatives = new TokenLogProbability[256];
    private int _textLength, _tokenCount, _alternativeCount;
    private int _openText, _openTokens;

    /// <summary>One entry per sample that has news.</summary>
    public IReadOnlyList<SequenceDelta> Deltas => _deltas;

    /// <summary>Whether there is no news.</summary>
    public bool IsEmpty => _deltas.Count == 0;

    /// <summary>Text of a delta, whole UTF-8 characters.</summary>
    public ReadOnlySpan<byte> Text(in SequenceDelta delta) => _text.AsSpan(delta.Text);

    /// <summary>Token ids of a delta.</summary>
    public ReadOnlySpan<int> Tokens(in SequenceDelta delta) => _tokens.AsSpan(delta.Tokens);

    /// <summary>Natural log-probabilities of the delta's tokens under the model's unmodified distribution.</summary>
    public ReadOnlySpan<float> LogProbabilities(in SequenceDelta delta) => _logProbabilities.AsSpan(delta.Tokens);

    /// <summary>The most likely alternatives of token <paramref name="token"/> (0-based within the delta), best first.</summary>
    public ReadOnlySpan<TokenLogProbability> Alternatives(in SequenceDelta delta, int token)
    {
        var index = delta.Tokens.Start.Value + token;
        var end = index + 1 < _alternativeStarts.Count ? _alternativeStarts[index + 1] : _alternativeCount;
        return _alternatives.AsSpan(_alternativeStarts[index]..end);
    }

    internal void Clear()
    {
        _deltas.Clear();
        _alternativeStarts.Clear();
        _textLength = _tokenCount = _alternativeCount = _openText = _openTokens = 0;
    }

    internal void AppendToken(int token, float logProbability, ReadOnlySpan<TokenLogProbability> alternatives)
    {
        if (_tokenCount == _tokens.Length)
        {
            Array.Resize(ref _tokens, _tokenCount * 2);
            Array.Resize(ref _logProbabilities, _tokenCount * 2);
        }
        while (_alternativeCount + alternatives.Length > _alternatives.Length) Array.Resize(ref _alternatives, _alternatives.Length * 2);
        _tokens[_tokenCount] = token;
        _logProbabilities[_tokenCount++] = logProbability;
        _alternativeStarts.Add(_alternativeCount);
        alternatives.CopyTo(_alternatives.AsSpan(_alternativeCount));
        _alternativeCount += alternatives.Length;
    }

    internal Span<byte> TextBuffer(int bytes)
    {
        while (_textLength + bytes > _text.Length) Array.Resize(ref _text, _text.Length * 2);
        return _text.AsSpan(_textLength, bytes);
    }

    internal void AdvanceText(int bytes) => _textLength += bytes;

    /// <summary>Closes the delta of one sample: everything appended since the last one is its own.</summary>
    internal void CloseDelta(SequenceId id, int index, bool hasLogProbabilities, SequenceFinish? finish, int promptTokens = 0, int cachedPromptTokens = 0)
    {
        var text = new Range(_openText, _textLength);
        var tokens = new Range(_openTokens, _tokenCount);
        (_openText, _openTokens) = (_textLength, _tokenCount);
        _deltas.Add(new SequenceDelta(id, index, text, tokens, hasLogProbabilities, finish, promptTokens, cachedPromptTokens));
    }
}
