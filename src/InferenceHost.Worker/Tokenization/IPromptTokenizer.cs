using InferenceHost.Engines.Gguf.Tokenization;

namespace InferenceHost.Worker.Tokenization;

/// <summary>Turns prompts into token ids. Safe for any thread.</summary>
internal interface IPromptTokenizer
{
    /// <summary>Kind of tokenizer, for people.</summary>
    string Name { get; }

    /// <summary>Tokenises segments as one text; more than <paramref name="limit"/> tokens are refused.</summary>
    TokenizeResult Tokenize(ReadOnlySpan<TextSegment> segments, bool addBos, int limit);
}
