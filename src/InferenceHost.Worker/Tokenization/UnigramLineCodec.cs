using System.Text.Json;
using InferenceHost.Text.Tokenization;

namespace InferenceHost.Worker.Tokenization;

/// <summary>Lines through the managed Unigram tokenizer.</summary>
internal sealed class UnigramLineCodec(UnigramTokenizer tokenizer) : ILineCodec
{
    public int[] Encode(string text)
    {
        var ids = new List<int>();
        return tokenizer.TryEncode(text, ids, out var error) ? [.. ids] : throw new JsonException($"position {error.Position}: {error.Reason}");
    }

    public string Decode(int[] ids)
    {
        foreach (var id in ids)
            if ((uint)id >= (uint)tokenizer.Vocabulary.Count) throw new JsonException($"token {id} is not in the vocabulary of {tokenizer.Vocabulary.Count}");
        return tokenizer.Decode(ids);
    }

    public void Dispose()
    {
    }
}
