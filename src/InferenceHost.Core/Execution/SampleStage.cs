using System.Runtime.InteropServices;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Execution;

/// <summary>
/// Turns logits into tokens, tokens into text. Draft tokens are verified by sampling as if they were not there: a draft is right if it is the token that
/// is drawn, so the output is the same with and without drafts, token for token, at any temperature (for a drafter that proposes one certain token this is the
/// acceptance rule of Leviathan et al. 2023: accepted with the probability the model gives it).
/// </summary>
/// <remarks>
/// Drawing is shared among threads, sequence by sequence: rows of one sequence depend on each other, sequences do not, and the generator counts positions, so who draws and
/// when changes nothing. Everything else happens on the engine thread, in the order of the plan.
/// </remarks>
internal sealed class SampleStage : IDisposable
{
    private readonly IEngine _engine;
    private readonly StepFrame _frame;
    private readonly ITokenVocabulary _vocabulary;
    private readonly Sampler[] _samplers;
    private readonly HelperThreads? _helpers;
    private readonly int _parallelFromOutputs;
    private readonly SequenceDraw[] _draws;
    private readonly SampledToken[] _tokens;
    private readonly TokenLogProbability[] _alternatives;
    private StepPlan _plan = new();

    /// <param name="engine">Gives the logits.</param>
    /// <param name="frame">Takes tokens and text.</param>
    /// <param name="maxRows">Rows of a step at most.</param>
    /// <param name="options">How many threads draw, and from which amount of work.</param>
    public SampleStage(IEngine engine, StepFrame frame, int maxRows, LoopOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.SamplingThreads);
        var vocabulary = engine.Capabilities.VocabularySize;
        (_engine, _frame, _vocabulary) = (engine, frame, engine.Vocabulary);
        _draws = new SequenceDraw[maxRows];
        _tokens = new SampledToken[maxRows];
        _alternatives = new TokenLogProbability[maxRows * SamplingParametersValidator.MaxLogprobs];
        _parallelFromOutputs = (int)Math.Clamp(options.ParallelSamplingLogits / vocabulary, 2, int.MaxValue);
        // No threads where no step can be large enough for them.
        var threads = maxRows < _parallelFromOutputs ? 1 : options.SamplingThreads;
        _samplers = new Sampler[threads];
        for (var thread = 0; thread < threads; thread++) _samplers[thread] = new Sampler(vocabulary);
        _helpers = threads > 1 ? new HelperThreads(threads - 1, "sampling", Draw) : null;
    }

    /// <summary>Draws for every sequence of the plan that wants it. Generators and penalties move on with each token; nothing else changes.</summary>
    public void Draw(StepPlan plan)
    {
        _plan = plan;
        var (sequences, outputs) = (0, 0);
        foreach (ref readonly var planned in CollectionsMarshal.AsSpan(plan.Sequences))
        {
            if (!planned.Samples) continue;
            _draws[sequences++] = new SequenceDraw(planned, outputs);
            outputs += 1 + planned.DraftCount;
        }
        if (_helpers is not null && sequences > 1 && outputs >= _parallelFromOutputs)
        {
            _helpers.Run(sequences);
            return;
        }
        for (var sequence = 0; sequence < sequences; sequence++) Draw(0, sequence);
    }

    /// <summary>Appends what was drawn for the plan's <paramref name="index"/>-th sampling sequence, up to a token or text that ends it.</summary>
    public SampleEnding Take(int index, long now, out int acceptedDrafts, out Exception? fault)
    {
        var draw = _draws[index];
        // A finished sequence is not remembered for the sake of an array.
        _draws[index] = default;
        fault = null;
        for (var row = 0; row < draw.Tokens; row++)
        {
            acceptedDrafts = row;
            var ending = Accept(draw.Planned.Sequence, draw.Output + row, now);
            if (ending != SampleEnding.None) return ending;
        }
        acceptedDrafts = draw.Failed ? draw.Tokens : draw.Tokens - 1;
        fault = draw.Fault;
        return !draw.Failed ? SampleEnding.None : fault is null ? SampleEnding.Failed : SampleEnding.Faulted;
    }

    /// <summary>Ends the helper threads.</summary>
    public void Dispose() => _helpers?.Dispose();

    private void Draw(int thread, int index)
    {
        ref var draw = ref _draws[index];
        try
        {
            var state = draw.Planned.Sequence.Sampling;
            var drafts = _plan.Drafts(draw.Planned);
            for (var row = 0; ; row++)
            {
                var output = draw.Output + row;
                draw.Failed = true;
                if (_samplers[thread].Sample(_engine.Logits(output), state, Alternatives(output), out _tokens[output]) != SampleOutcome.Sampled) return;
                var id = _tokens[output].Id;
                state.Accept(id);
                draw.Failed = false;
                draw.Tokens++;
                if (row == drafts.Length || drafts[row] != id) return;
            }
        }
        catch (Exception e)
        {
            // The other sequences of the step have nothing to do with it.
            draw.Fault = e;
        }
    }

    private Span<TokenLogProbability> Alternatives(int output) =>
        _alternatives.AsSpan(output * SamplingParametersValidator.MaxLogprobs, SamplingParametersValidator.MaxLogprobs);

    private SampleEnding Accept(Sequence sequence, int output, long now)
    {
        ref readonly var token = ref _tokens[output];
        sequence.Append(token.Id);
        sequence.Drafter?.Append(token.Id);
        sequence.FirstTokenAt ??= now;
        sequence.LastTokenAt = now;
        sequence.SumLogProbability += token.LogProbability ?? 0;
        _frame.AppendToken(token.Id, token.LogProbability ?? 0, Alternatives(output)[..token.AlternativeCount]);

        var request = sequence.Request;
        if (_vocabulary.IsEndOfGeneration(token.Id) && !request.IgnoreEndOfGeneration) return SampleEnding.Stop;
        foreach (var stop in request.StopTokens)
            if (stop == token.Id) return SampleEnding.Stop;
        if (sequence.Output.Append(_vocabulary.Piece(token.Id), _frame)) return SampleEnding.StopSequence;
        return sequence.Generated == sequence.MaxNewTokens ? SampleEnding.MaxTokens : SampleEnding.None;
    }
}
