using InferenceHost.Engines.Gguf;
using InferenceHost.Engines.Gguf.Tokenization;

namespace InferenceHost.Worker.Tokenization;

/// <summary>libllama's tokenizer behind its guard.</summary>
internal sealed class EnginePromptTokenizer(GuardedTokenizer tokenizer, GgufVocabulary vocabulary) : IPromptTokenizer
{
    public string Name => vocabulary.KindName;

    public TokenizeResult Tokenize(ReadOnlySpan<TextSegment> segments, bool addBos, int limit) => tokenizer.Tokenize(segments, addBos, limit);
}
