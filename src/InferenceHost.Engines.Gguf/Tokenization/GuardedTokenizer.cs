using System.Buffers;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>
/// libllama's tokenizer behind a guard: it gets valid UTF-8 in bounded slices on a large stack, and special tokens are found before it is called.
/// Safe for any thread. Recognising control tokens is decided per segment, but the text is tokenised as one.
/// </summary>
public sealed class GuardedTokenizer
{
    private const int DirectBytes = 1024;
    private readonly LlamaModelHandle _model;
    private readonly GgufVocabulary _vocabulary;
    private readonly SpecialTokenMatcher _matcher;
    private readonly nint _vocab;
    private readonly bool _slices;

    internal GuardedTokenizer(LlamaModelHandle model, GgufVocabulary vocabulary)
    {
        _model = model;
        _vocabulary = vocabulary;
        _vocab = LibLlama.llama_model_get_vocab(model);
        // SentencePiece-like vocabularies put a space in front of every text they get, so theirs must not be cut; they do not recurse either.
        _slices = vocabulary.Kind == llama_vocab_type.ByteLevelBpe;
        _matcher = new SpecialTokenMatcher(vocabulary.SpecialTokens);
    }

    /// <summary>Tokenises one text; see <see cref="Tokenize(ReadOnlySpan{TextSegment}, bool, int)"/>.</summary>
    public TokenizeResult Tokenize(string text, bool addBos, bool parseSpecial, int limit = int.MaxValue) =>
        Tokenize([new TextSegment(text, parseSpecial)], addBos, limit);

    /// <summary>
    /// Tokenises segments as one text. <paramref name="addBos"/> puts the beginning-of-sequence token in front where the model wants one.
    /// More than <paramref name="limit"/> tokens are refused, as early as that is certain.
    /// </summary>
    public TokenizeResult Tokenize(ReadOnlySpan<TextSegment> segments, bool addBos, int limit = int.MaxValue)
    {
        var text = SegmentedText.TryEncode(segments, out var segment, out var index);
        if (text is null)
            return new TokenizeResult { Status = TokenizeStatus.InvalidText, InvalidSegment = segment, InvalidIndex = index };
        var certain = text.Bytes.Length / _vocabulary.LongestTokenBytes;
        if (certain > limit)
            return TooLong(certain);
        var tokens = new List<int>(text.Bytes.Length / 3 + 8);
        if (addBos && _vocabulary.AddsBos && _vocabulary.BosId is { } bos)
            tokens.Add(bos);
        var fragments = _matcher.Split(text);
        if (fragments.Count > limit)
            return TooLong(fragments.Count);
        var status = TokenizeStatus.Completed;
        if (text.Bytes.Length <= DirectBytes)
            status = Append(text.Bytes, fragments, tokens, limit);
        else
            LargeStack.Run(() => status = Append(text.Bytes, fragments, tokens, limit));
        return status switch
        {
            TokenizeStatus.Completed => new TokenizeResult { Status = status, Tokens = [.. tokens] },
            TokenizeStatus.TooLong => TooLong(tokens.Count),
            _ => new TokenizeResult { Status = status },
        };
    }

    private static TokenizeResult TooLong(int atLeast) => new() { Status = TokenizeStatus.TooLong, AtLeastTokens = atLeast };

    private TokenizeStatus Append(byte[] text, List<Fragment> fragments, List<int> tokens, int limit)
    {
        var held = false;
        _model.DangerousAddRef(ref held);
        try
        {
            foreach (var fragment in fragments)
            {
                if (fragment.Token is { } token)
                    tokens.Add(token);
                else if (!AppendRaw(text.AsSpan(fragment.Start, fragment.Length), tokens, limit))
                    return TokenizeStatus.Failed;
                if (tokens.Count > limit)
                    return TokenizeStatus.TooLong;
            }
            return TokenizeStatus.Completed;
        }
        finally
        {
            if (held)
                _model.DangerousRelease();
        }
    }

    private bool AppendRaw(ReadOnlySpan<byte> raw, List<int> tokens, int limit)
    {
        while (raw.Length > 0 && tokens.Count <= limit)
        {
            var slice = _slices ? TextSlicer.FirstSlice(raw) : raw.Length;
            if (!AppendSlice(raw[..slice], tokens))
                return false;
            raw = raw[slice..];
        }
        return true;
    }

    private unsafe bool AppendSlice(ReadOnlySpan<byte> slice, List<int> tokens)
    {
        var buffer = ArrayPool<int>.Shared.Rent(slice.Length + 8);
        try
        {
            int count;
            fixed (byte* text = slice)
            fixed (int* ids = buffer)
                count = LibLlama.llama_tokenize(_vocab, text, slice.Length, ids, buffer.Length, add_special: false, parse_special: false);
            if (count < 0)
                return false;
            tokens.AddRange(buffer.AsSpan(0, count));
            return true;
        }
        finally
        {
            ArrayPool<int>.Shared.Return(buffer);
        }
    }
}
