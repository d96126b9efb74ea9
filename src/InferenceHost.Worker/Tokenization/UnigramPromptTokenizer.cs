using System.Text;
using InferenceHost.Engines.Gguf.Tokenization;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Text.Tokenization;
using FileVocabulary = InferenceHost.ModelFiles.Models.GgufVocabulary;
using ManagedSegment = InferenceHost.Text.Tokenization.TextSegment;
using Segment = InferenceHost.Engines.Gguf.Tokenization.TextSegment;

namespace InferenceHost.Worker.Tokenization;

/// <summary>The managed tokenizer for SentencePiece Unigram vocabularies, which libllama tokenises as if they were merges.</summary>
internal sealed class UnigramPromptTokenizer(UnigramTokenizer tokenizer) : IPromptTokenizer
{
    private readonly int _longestTokenBytes = Enumerable.Range(0, tokenizer.Vocabulary.Count).Max(id => tokenizer.Vocabulary.Bytes(id).Length);

    public string Name => "SentencePiece Unigram";

    public UnigramTokenizer Tokenizer => tokenizer;

    /// <summary>Opens the vocabulary of a GGUF file; null where it is of another kind.</summary>
    public static UnigramPromptTokenizer? TryOpen(string path)
    {
        using var file = GgufFile.Open(path);
        if (FileVocabulary.KindOf(file) != TokenizerKind.Unigram) return null;
        var vocabulary = FileVocabulary.Read(file);
        if (!TokenVocabulary.TryCreate(Tokens(vocabulary), vocabulary.Scores,
            Array.ConvertAll(vocabulary.Types, t => (TokenType)t), Settings(vocabulary), out var tokens, out _)) return null;
        return UnigramTokenizer.TryCreate(tokens, out var tokenizer, out _) ? new UnigramPromptTokenizer(tokenizer) : null;
    }

    public TokenizeResult Tokenize(ReadOnlySpan<Segment> segments, bool addBos, int limit)
    {
        var bytes = 0;
        var parts = new ManagedSegment[segments.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = new ManagedSegment(segments[i].Text, segments[i].ParseSpecial);
            bytes += Encoding.UTF8.GetByteCount(segments[i].Text);
        }
        if (bytes / _longestTokenBytes > limit) return TooLong(bytes / _longestTokenBytes);
        var ids = new List<int>((bytes / 3) + 8);
        if (!tokenizer.TryEncode(parts, addBos, ids, out var error))
            return new TokenizeResult { Status = TokenizeStatus.InvalidText, InvalidSegment = error.Index, InvalidIndex = error.Position };
        return ids.Count > limit ? TooLong(ids.Count) : new TokenizeResult { Status = TokenizeStatus.Completed, Tokens = [.. ids] };
    }

    private static TokenizeResult TooLong(int tokens) => new() { Status = TokenizeStatus.TooLong, AtLeastTokens = tokens };

    private static ReadOnlyMemory<byte>[] Tokens(FileVocabulary vocabulary)
    {
        var tokens = new ReadOnlyMemory<byte>[vocabulary.Count];
        for (var id = 0; id < tokens.Length; id++) tokens[id] = vocabulary.Token(id).ToArray();
        return tokens;
    }

    private static VocabularySettings Settings(FileVocabulary vocabulary) => new()
    {
        BosId = vocabulary.BosId,
        EosId = vocabulary.EosId,
        UnknownId = vocabulary.UnknownId,
        AddBos = vocabulary.AddBos ?? true,
        AddEos = vocabulary.AddEos ?? false,
        SpacePrefix = vocabulary.AddSpacePrefix ?? true ? SpacePrefix.EveryText : SpacePrefix.Never,
        RemoveExtraSpaces = vocabulary.RemoveExtraWhitespaces ?? false,
    };
}
