using InferenceHost.Core.KvCache;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Scheduling;

namespace InferenceHost.Core.Execution;

/// <content>The stages that touch the engine.</content>
public sealed partial class EngineLoop
{
    /// <summary>Computes the plan; false where the engine failed and everything is as before the step.</summary>
    private bool Execute()
    {
        FillBatch();
        var startedAt = _time.GetTimestamp();
        Volatile.Write(ref _stepStartedAt, startedAt);
        var status = _engine.Execute(_batch);
        Volatile.Write(ref _stepStartedAt, 0);
        if (status != ExecutionStatus.Completed)
        {
            RollBack(status);
            return false;
        }
        _failuresInARow = 0;
        Volatile.Write(ref _steps, _steps + 1);
        _scheduler.Observe(_plan, _time.GetElapsedTime(startedAt).TotalSeconds);
        return true;
    }

    private void FillBatch()
    {
        _batch.Clear();
        foreach (var planned in _plan.Sequences)
        {
            var sequence = planned.Sequence;
            var scale = sequence.AdapterScale;
            var last = planned.Tokens - 1;
            var tokens = sequence.Tokens.Slice(sequence.Computed, planned.Tokens);
            for (var i = 0; i < last; i++) _batch.Add(tokens[i], sequence.Computed + i, sequence.Slot, sequence.AdapterSlot, scale);
            if (planned.Samples) _batch.AddOutput(tokens[last], sequence.Computed + last, sequence.Slot, sequence.AdapterSlot, scale);
            else _batch.Add(tokens[last], sequence.Computed + last, sequence.Slot, sequence.AdapterSlot, scale);
            var drafts = _plan.Drafts(planned);
            for (var i = 0; i < drafts.Length; i++)
                _batch.AddOutput(drafts[i], sequence.Computed + planned.Tokens + i, sequence.Slot, sequence.AdapterSlot, scale);
        }
    }

    /// <summary>Takes what was sampled, turns computed rows into committed ones, and ends what has ended.</summary>
    private void Commit(Reservation reservation)
    {
        var sampled = 0;
        foreach (var planned in _plan.Sequences)
        {
            var sequence = planned.Sequence;
            var computed = planned.Tokens;
            var ending = SampleEnding.None;
            Exception? fault = null;
            var samples = planned.Samples;
            if (samples)
            {
                var generated = sequence.Generated;
                ending = _sampling.Take(sampled++, _time.GetTimestamp(), out var acceptedDrafts, out fault);
                computed += acceptedDrafts;
                sequence.AcceptedDraftTokens += acceptedDrafts;
                if (planned.DraftCount > 0) sequence.Drafter!.Report(planned.DraftCount, acceptedDrafts);
                _acceptedDraftTokens += acceptedDrafts;
                _decodeTokens += sequence.Generated - generated;
                TenantLedger.Charge(sequence.Tenant, 0, sequence.Generated - generated);
            }
            reservation.Commit(sequence.Slot, sequence.Tokens.Slice(sequence.Computed, computed));
            sequence.Computed += computed;
            if (computed < planned.Rows) _engine.Trim(sequence.Slot, sequence.Computed);
            if (planned.Tokens > 1) TenantLedger.Charge(sequence.Tenant, planned.Tokens, 0);
            if (samples) Report(sequence, ending, fault);
        }
        _prefillTokens += _plan.PrefillTokens;
        _draftTokens += _plan.DraftTokens;
    }

    private void Report(Sequence sequence, SampleEnding ending, Exception? fault)
    {
        switch (ending)
        {
            case SampleEnding.None:
                var isFirst = sequence.Announce();
                _frame.CloseDelta(sequence.Request.Id, sequence.Index, sequence.Request.Sampling.Logprobs is not null, null,
                    isFirst ? sequence.PromptTokens : 0, isFirst ? sequence.CachedPromptTokens : 0);
                break;
            case SampleEnding.Stop:
                Finish(sequence, FinishReason.Stop, null);
                break;
            case SampleEnding.StopSequence:
                Finish(sequence, FinishReason.StopSequence, null);
                break;
            case SampleEnding.MaxTokens:
                Finish(sequence, FinishReason.MaxTokens, null);
                break;
            case SampleEnding.Faulted:
                _options.OnFault?.Invoke(fault!);
                Finish(sequence, FinishReason.Failed, new Refusal(RefusalKind.Internal, "SAMPLING_FAILED", "the next token could not be chosen: an internal error, noted in the log"));
                break;
            default:
                Finish(sequence, FinishReason.Failed, new Refusal(RefusalKind.Internal, "NON_FINITE_LOGITS",
                    "the model produced no usable distribution (NaN or infinite logits): the model file, the adapter or its scale is broken"));
                break;
        }
    }

    /// <summary>Brings every sequence of a failed step back to what it had; a step that keeps failing takes its sequences with it.</summary>
    private void RollBack(ExecutionStatus status)
    {
        _failedSteps++;
        var cause = _engine.LastFault is { } fault ? $"{status}: {fault}" : $"{status}";
        _options.OnFault?.Invoke(new EngineException($"a step of {_plan.Rows} rows failed and is undone: {cause}"));
        foreach (var planned in _plan.Sequences)
        {
            var sequence = planned.Sequence;
            if (status is ExecutionStatus.NoCacheRoom or ExecutionStatus.InvalidBatch || _engine.Trim(sequence.Slot, sequence.Computed)) continue;
            // Memory that cannot be trimmed: the sequence computes its tokens again.
            _scheduler.Preempt(sequence, intact: false);
        }
        _places.DropCache();
        if (++_failuresInARow < MaxFailuresInARow) return;
        var refusal = new Refusal(RefusalKind.Internal, "ENGINE_FAILED", $"the engine failed {_failuresInARow} times in a row ({cause})");
        foreach (var planned in _plan.Sequences)
            if (!planned.Sequence.IsFinished) Finish(planned.Sequence, FinishReason.Failed, refusal);
        _failuresInARow = 0;
    }
}
