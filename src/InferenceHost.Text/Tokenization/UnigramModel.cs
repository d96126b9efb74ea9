using System.Buffers;

namespace InferenceHost.Text.Tokenization;

/// <summary>
/// SentencePiece's Unigram model: of all ways to cut a text into pieces the one with the highest sum of scores (Kudo 2018, arXiv:1804.10959), found by one
/// forward pass. Characters that no piece covers are spelled with byte tokens, or are one unknown token per run where the vocabulary lacks those.
/// Linear in the text times the longest piece.
/// </summary>
/// <remarks>
/// Ties and rounding are part of the result, so the arithmetic is SentencePiece's: the candidate is a double, the stored best a float; a user-defined piece
/// scores its length in bytes times the highest score, less 0.1; an unknown character the lowest score less 10, in float; the first of equals stays.
/// </remarks>
internal sealed class UnigramModel : ITokenModel
{
    private const float UnknownPenalty = 10;
    private const int Unknown = -2;
    private const int NotReached = -3;

    private readonly TokenVocabulary _vocabulary;
    private readonly TokenTrie _trie;
    private readonly MarkupTokens _markup;
    private readonly float _unknownScore;
    private readonly float _highestScore;

    public UnigramModel(TokenVocabulary vocabulary, MarkupTokens markup)
    {
        _vocabulary = vocabulary;
        _markup = markup;
        _trie = TokenTrie.Build(vocabulary, id => vocabulary.Type(id) is TokenType.Normal or TokenType.UserDefined);

        // The highest score starts at the smallest positive float there, not at the lowest number.
        var (lowest, highest) = (float.MaxValue, 1.17549435e-38f);
        for (var id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Type(id) != TokenType.Normal)
                continue;
            lowest = MathF.Min(lowest, vocabulary.Score(id));
            highest = MathF.Max(highest, vocabulary.Score(id));
        }

        _unknownScore = lowest - UnknownPenalty;
        _highestScore = highest;
    }

    /// <inheritdoc/>
    public void Encode(TextRun run, int start, int end, List<int> ids)
    {
        if (start == end)
            return;
        var nodes = ArrayPool<Node>.Shared.Rent(end - start + 1);
        try
        {
            var path = nodes.AsSpan(0, end - start + 1);
            Forward(run, start, path);
            Backward(run.Bytes[start..end], path, ids);
        }
        finally
        {
            ArrayPool<Node>.Shared.Return(nodes);
        }
    }

    private void Forward(TextRun run, int offset, Span<Node> path)
    {
        var text = run.Bytes.Slice(offset, path.Length - 1);
        path.Fill(new Node(0, 0, NotReached));
        for (var start = 0; start < text.Length;)
        {
            var scoreSoFar = path[start].Score;
            var character = Math.Min(CharacterBytes(text[start]), text.Length - start);
            var characterHasPiece = false;
            var node = TokenTrie.Root;
            for (var end = start; end < text.Length && _trie.TryStep(ref node, text[end]);)
            {
                end++;
                var id = _trie.TokenAt(node);
                if (id == TokenTrie.NoToken || (_markup.Contains(id) && run.TouchesGuarded(offset + start, offset + end)))
                    continue;
                var score = _vocabulary.Type(id) == TokenType.UserDefined
                    ? ((end - start) * _highestScore) - 0.1
                    : (double)_vocabulary.Score(id);
                Offer(ref path[end], score + scoreSoFar, start, id);
                characterHasPiece |= end - start == character;
            }

            if (!characterHasPiece)
                Offer(ref path[start + character], (float)(_unknownScore + scoreSoFar), start, Unknown);
            start += character;
        }
    }

    private void Backward(ReadOnlySpan<byte> text, ReadOnlySpan<Node> path, List<int> ids)
    {
        var first = ids.Count;
        var previousUnknown = false;
        for (var end = text.Length; end > 0; end = path[end].Start)
        {
            var unknown = path[end].Id == Unknown;
            if (!unknown)
            {
                ids.Add(path[end].Id);
            }
            else if (_vocabulary.HasAllBytes)
            {
                for (var index = end - 1; index >= path[end].Start; index--)
                    ids.Add(_vocabulary.ByteId(text[index]));
            }
            else if (!previousUnknown)
            {
                ids.Add(_vocabulary.UnknownId!.Value);
            }

            previousUnknown = unknown;
        }

        ids.Reverse(first, ids.Count - first);
    }

    private static void Offer(ref Node node, double score, int start, int id)
    {
        if (node.Id == NotReached || score > node.Score)
            node = new Node((float)score, start, id);
    }

    private static int CharacterBytes(byte lead) => lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    private readonly record struct Node(float Score, int Start, int Id);
}
