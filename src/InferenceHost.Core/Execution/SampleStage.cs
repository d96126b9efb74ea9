using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Execution;

/// <summary>
/// Turns logits into tokens, tokens into text. Draft tokens are verified by sampling as if they were not there: a draft is right if it is the token that
/// is drawn, so the output is the same with and without drafts, token for token, at any temperature (for a drafter that proposes one certain token this is the
/// acceptance rule of Leviathan et al. 2023: accepted with the probability the model gives it).
/// </summary>
internal sealed class SampleStage(IEngine engine, StepFrame frame)
{
    private readonly Sampler _sampler = new(engine.Capabilities.VocabularySize);
    private readonly TokenLogProbability[] _alternatives = new TokenLogProbability[SamplingParametersValidator.MaxLogprobs];
    private readonly ITokenVocabulary _vocabulary = engine.Vocabulary;

    /// <summary>Samples at <paramref name="output"/> and, as long as drafts are right, at the outputs behind it.</summary>
    public SampleEnding Sample(Sequence sequence, int output, ReadOnlySpan<int> drafts, long now, out int acceptedDrafts)
    {
        for (acceptedDrafts = 0; ; acceptedDrafts++)
        {
            var logits = engine.Logits(output + acceptedDrafts);
            if (_sampler.Sample(logits, sequence.Sampling, _alternatives, out var token) != SampleOutcome.Sampled) return SampleEnding.Failed;
            var ending = Accept(sequence, token, now);
            if (ending != SampleEnding.None || acceptedDrafts == drafts.Length || drafts[acceptedDrafts] != token.Id) return ending;
        }
    }

    private SampleEnding Accept(Sequence sequence, in SampledToken token, long now)
    {
        sequence.Sampling.Accept(token.Id);
        sequence.Append(token.Id);
        sequence.Drafter?.Append(token.Id);
        sequence.FirstTokenAt ??= now;
        sequence.LastTokenAt = now;
        sequence.SumLogProbability += token.LogProbability ?? 0;
        frame.AppendToken(token.Id, token.LogProbability ?? 0, _alternatives.AsSpan(0, token.AlternativeCount));

        var request = sequence.Request;
        if (_vocabulary.IsEndOfGeneration(token.Id) && !request.IgnoreEndOfGeneration) return SampleEnding.Stop;
        foreach (var stop in request.StopTokens)
            if (stop == token.Id) return SampleEnding.Stop;
        if (sequence.Output.Append(_vocabulary.Piece(token.Id), frame)) return SampleEnding.StopSequence;
        return sequence.Generated == sequence.MaxNewTokens ? SampleEnding.MaxTokens : SampleEnding.None;
    }
}
