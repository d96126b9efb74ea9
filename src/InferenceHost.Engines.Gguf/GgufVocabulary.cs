using System.Collections;
using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.Engines.Gguf.Tokenization;

namespace InferenceHost.Engines.Gguf;

/// <summary>The vocabulary of a loaded model: all pieces in one flat array, read once at load.</summary>
public sealed class GgufVocabulary : ITokenVocabulary
{
    private readonly byte[] _pieces;
    private readonly int[] _ends;
    private readonly BitArray _endsGeneration;
    private readonly BitArray _isSpecial;

    internal GgufVocabulary(LlamaModelHandle model)
    {
        var vocab = LibLlama.llama_model_get_vocab(model);
        Native = vocab;
        Kind = LibLlama.llama_vocab_type(vocab);
        Size = LibLlama.llama_vocab_n_tokens(vocab);
        _ends = new int[Size];
        _endsGeneration = new BitArray(Size);
        _isSpecial = new BitArray(Size);
        var pieces = new List<byte>(Size * 8);
        var special = new List<SpecialToken>();
        var ending = new List<int>();
        for (var id = 0; id < Size; id++)
        {
            AppendPiece(vocab, id, pieces);
            _ends[id] = pieces.Count;
            var attributes = LibLlama.llama_vocab_get_attr(vocab, id);
            var name = Name(vocab, id);
            LongestTokenBytes = Math.Max(LongestTokenBytes, Math.Max(Piece(CollectionsMarshal.AsSpan(pieces), id).Length, name.Length));
            _isSpecial[id] = (attributes & (llama_token_attr.Control | llama_token_attr.Unknown)) != 0;
            if (_isSpecial[id] || (attributes & llama_token_attr.UserDefined) != 0)
                special.Add(new SpecialToken(id, name, _isSpecial[id],
                    (attributes & llama_token_attr.LeftStrip) != 0, (attributes & llama_token_attr.RightStrip) != 0));
            if (!LibLlama.llama_vocab_is_eog(vocab, id))
                continue;
            _endsGeneration[id] = true;
            ending.Add(id);
        }
        _pieces = [.. pieces];
        SpecialTokens = special;
        EndOfGenerationIds = ending;
        BosId = Optional(LibLlama.llama_vocab_bos(vocab));
        EosId = Optional(LibLlama.llama_vocab_eos(vocab));
        // libllama never adds it for PLaMo-2, whose own tokenizer does.
        AddsBos = LibLlama.llama_vocab_get_add_bos(vocab) || Kind == llama_vocab_type.Plamo2;
    }

    /// <inheritdoc/>
    public int Size { get; }

    /// <summary>All ids that end a generation.</summary>
    public IReadOnlyList<int> EndOfGenerationIds { get; }

    /// <summary>Beginning of sequence, where the vocabulary has one.</summary>
    public int? BosId { get; }

    /// <summary>End of sequence, where the vocabulary has one.</summary>
    public int? EosId { get; }

    /// <summary>Whether a prompt of this model begins with <see cref="BosId"/>.</summary>
    public bool AddsBos { get; }

    /// <summary>Bytes of the longest token, so that a text of n bytes has at least n / this tokens.</summary>
    public int LongestTokenBytes { get; } = 1;

    /// <summary>Kind of tokenizer, for people.</summary>
    public string KindName => Kind switch
    {
        llama_vocab_type.ByteLevelBpe => "byte-level BPE",
        llama_vocab_type.Plamo2 => "PLaMo-2",
        _ => Kind.ToString(),
    };

    internal llama_vocab_type Kind { get; }

    /// <summary>libllama's vocabulary; lives as long as the model.</summary>
    internal nint Native { get; }

    internal IReadOnlyList<SpecialToken> SpecialTokens { get; }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Piece(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Size);
        return Piece(_pieces, id);
    }

    /// <inheritdoc/>
    public bool IsEndOfGeneration(int id) => (uint)id < (uint)Size && _endsGeneration[id];

    /// <summary>Whether the token is a control token (or the unknown token): it never appears in output text.</summary>
    public bool IsControl(int id) => (uint)id < (uint)Size && _isSpecial[id];

    /// <summary>Text of a token as the model file names it, control tokens too; empty for null.</summary>
    public string Name(int? id)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id ?? 0, Size);
        return id is { } token ? System.Text.Encoding.UTF8.GetString(Name(Native, token)) : "";
    }

    private ReadOnlySpan<byte> Piece(ReadOnlySpan<byte> pieces, int id)
    {
        var start = id == 0 ? 0 : _ends[id - 1];
        return pieces[start.._ends[id]];
    }

    private static unsafe void AppendPiece(nint vocab, int id, List<byte> pieces)
    {
        Span<byte> buffer = stackalloc byte[512];
        int length;
        fixed (byte* start = buffer)
            length = LibLlama.llama_token_to_piece(vocab, id, start, buffer.Length, 0, special: false);
        if (length < 0)
        {
            buffer = new byte[-length];
            fixed (byte* start = buffer)
                length = LibLlama.llama_token_to_piece(vocab, id, start, buffer.Length, 0, special: false);
        }
        pieces.AddRange(buffer[..Math.Max(length, 0)]);
    }

    private static unsafe byte[] Name(nint vocab, int id) =>
        MemoryMarshal.CreateReadOnlySpanFromNullTerminated(LibLlama.llama_vocab_get_text(vocab, id)).ToArray();

    private static int? Optional(int id) => id < 0 ? null : id;
}
