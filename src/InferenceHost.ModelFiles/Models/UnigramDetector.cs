using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>
/// Tells SentencePiece Unigram vocabularies from byte-pair ones by their scores: the latter are 0, -1, -2 … in the order of the merges,
/// the former logarithms of probabilities.
/// </summary>
internal static class UnigramDetector
{
    private const int NormalToken = 1;

    public static bool IsUnigram(ReadOnlySpan<float> scores, ReadOnlySpan<int> types)
    {
        var normal = 0;
        var fractional = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            if (i < types.Length && types[i] != NormalToken)
                continue;
            normal++;
            if (scores[i] != MathF.Truncate(scores[i]))
                fractional++;
        }

        return normal > 0 && fractional * 2L > normal;
    }

    public static bool IsUnigram(GgufFile file)
    {
        if (!file.TryGetValue("tokenizer.ggml.scores", out var scores) || !scores.IsArray || scores.ElementType != GgufValueType.Float32)
            return false;
        var types = file.TryGetValue("tokenizer.ggml.token_type", out var value) && value.IsArray
            && value.ElementType == GgufValueType.Int32 ? file.Numbers<int>(value) : [];
        return IsUnigram(file.Numbers<float>(scores), types);
    }
}
