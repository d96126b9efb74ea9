namespace InferenceHost.Text.Tokenization;

/// <summary>
/// A byte trie in flat arrays: the children of a node are neighbours, sorted by their byte. Built once from a vocabulary, read by any thread.
/// </summary>
internal sealed class TokenTrie
{
    /// <summary>Value of a node at which no token ends.</summary>
    public const int NoToken = -1;

    private readonly int[] _firstChild;
    private readonly byte[] _labels;
    private readonly int[] _tokens;
    private readonly int[] _rootChildren;

    private TokenTrie(int[] firstChild, byte[] labels, int[] tokens)
    {
        _firstChild = firstChild;
        _labels = labels;
        _tokens = tokens;
        _rootChildren = new int[256];
        for (var child = _firstChild[0]; child < _firstChild[1]; child++)
            _rootChildren[_labels[child]] = child;
    }

    /// <summary>The node before the first byte.</summary>
    public static int Root => 0;

    /// <summary>Builds the trie of some entries of a vocabulary; of equal entries the lowest id counts, empty ones are left out.</summary>
    public static TokenTrie Build(TokenVocabulary vocabulary, Func<int, bool> includes)
    {
        var ids = Enumerable.Range(0, vocabulary.Count).Where(id => vocabulary.Bytes(id).Length > 0 && includes(id)).ToArray();
        Array.Sort(ids, (a, b) => vocabulary.Bytes(a).SequenceCompareTo(vocabulary.Bytes(b)) is var order && order != 0 ? order : a.CompareTo(b));

        // Breadth first: node n covers the sorted entries [from, to) that share its first `depth` bytes.
        var nodes = new List<(int From, int To, int Depth)> { (0, ids.Length, 0) };
        var labels = new List<byte> { 0 };
        var tokens = new List<int>();
        var firstChild = new List<int>();
        for (var node = 0; node < nodes.Count; node++)
        {
            var (from, to, depth) = nodes[node];
            firstChild.Add(nodes.Count);
            var token = NoToken;
            while (from < to && vocabulary.Bytes(ids[from]).Length == depth)
                token = token == NoToken ? ids[from++] : SkipDuplicate(ref from, token);
            tokens.Add(token);
            while (from < to)
            {
                var label = vocabulary.Bytes(ids[from])[depth];
                var end = from + 1;
                while (end < to && vocabulary.Bytes(ids[end])[depth] == label)
                    end++;
                nodes.Add((from, end, depth + 1));
                labels.Add(label);
                from = end;
            }
        }

        firstChild.Add(nodes.Count);
        return new TokenTrie([.. firstChild], [.. labels], [.. tokens]);
    }

    /// <summary>Goes on by one byte.</summary>
    /// <returns>False when no entry goes on so.</returns>
    public bool TryStep(ref int node, byte next)
    {
        if (node == Root)
        {
            node = _rootChildren[next];
            return node != Root;
        }

        // Nodes inside a character have one child or two: a look at each is cheaper than a search.
        var children = _firstChild.AsSpan(node, 2);
        var (first, end) = (children[0], children[1]);
        if (end - first <= 2)
        {
            for (node = first; node < end; node++)
            {
                if (_labels[node] == next)
                    return true;
            }

            return false;
        }

        var found = _labels.AsSpan(first, end - first).IndexOf(next);
        node = first + found;
        return found >= 0;
    }

    /// <summary>The token that ends at a node, or <see cref="NoToken"/>.</summary>
    public int TokenAt(int node) => _tokens[node];

    /// <summary>The longest entry with which the text begins.</summary>
    public bool TryLongest(ReadOnlySpan<byte> text, out int token, out int length)
    {
        (token, length) = (NoToken, 0);
        var node = Root;
        for (var index = 0; index < text.Length && TryStep(ref node, text[index]); index++)
        {
            if (TokenAt(node) is var ending && ending != NoToken)
                (token, length) = (ending, index + 1);
        }

        return token != NoToken;
    }

    private static int SkipDuplicate(ref int from, int token)
    {
        from++;
        return token;
    }
}
