using InferenceHost.Core.Adapters;
using InferenceHost.Core.Admission;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Speculation;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Execution;

/// <content>How requests enter and end.</content>
public sealed partial class EngineLoop
{
    private void Admit(SequenceRequest request, long arrivedAt)
    {
        var tenant = _scheduler.Tenants.Get(request.Tenant);
        var refusal = AdmissionControl.Check(request, _limits, _scheduler.Tenants.Waiting, tenant.Waiting, out var maxNewTokens);
        if (refusal is null && _byRequest.ContainsKey(request.Id))
            refusal = new Refusal(RefusalKind.InvalidArgument, "DUPLICATE_ID", $"request {request.Id} runs already", "id");
        AdapterEntry? adapter = null;
        if (refusal is null && request.Adapter is { } wanted && !_adapters.TryGet(wanted.Generation, out adapter))
            refusal = new Refusal(RefusalKind.NotFound, "ADAPTER_NOT_FOUND", "the adapter is not loaded", "adapter");
        if (refusal is not null)
        {
            _refused++;
            _frame.CloseDelta(request.Id, 0, false, new SequenceFinish(FinishReason.Failed, refusal, new Usage { PromptTokens = request.Prompt.Length }));
            return;
        }
        Enter(request, tenant, adapter, maxNewTokens, arrivedAt);
    }

    private void Enter(SequenceRequest request, Tenant tenant, AdapterEntry? adapter, int maxNewTokens, long arrivedAt)
    {
        var samples = new List<Sequence>(request.Samples);
        long? deadlineAt = request.Deadline is { } left ? arrivedAt + (long)(left.TotalSeconds * _time.TimestampFrequency) : null;
        for (var index = 0; index < request.Samples; index++)
        {
            var sequence = new Sequence(request, index, maxNewTokens, tenant, arrivedAt)
            {
                Primary = index == 0 ? null : samples[0],
                Adapter = adapter,
                DeadlineAt = deadlineAt,
                Drafter = _options.Scheduling.Speculation && _engine.Capabilities.CanTrim ? CreateDrafter(request.Prompt.Span, maxNewTokens) : null,
            };
            samples.Add(sequence);
            if (adapter is not null) _adapters.AddUser(adapter);
            _scheduler.Tenants.Enqueue(sequence);
        }
        _byRequest.Add(request.Id, samples);
        if (deadlineAt is not null) _withDeadline++;
    }

    private static NgramDrafter CreateDrafter(ReadOnlySpan<int> prompt, int maxNewTokens)
    {
        var drafter = new NgramDrafter(NgramDrafterOptions.Default, prompt.Length + maxNewTokens);
        drafter.Append(prompt);
        return drafter;
    }

    private void EndRequest(SequenceId id, FinishReason reason, Refusal? refusal)
    {
        if (!_byRequest.TryGetValue(id, out var samples)) return;
        foreach (var sequence in samples.ToArray())
            if (!sequence.IsFinished) Finish(sequence, reason, refusal);
    }

    /// <summary>Ends a sample: its cells go to the prefix cache or are free, its rest of text and its usage into the frame.</summary>
    private void Finish(Sequence sequence, FinishReason reason, Refusal? refusal)
    {
        if (reason != FinishReason.StopSequence && sequence.Output.Flush(_frame)) reason = FinishReason.StopSequence;
        _frame.CloseDelta(sequence.Request.Id, sequence.Index, sequence.Request.Sampling.Logprobs is not null,
            new SequenceFinish(reason, refusal, sequence.Usage(_time, _time.GetTimestamp())));
        _scheduler.Remove(sequence, retain: reason != FinishReason.Failed);
        _finished++;
        var samples = _byRequest[sequence.Request.Id];
        samples.Remove(sequence);
        if (samples.Count > 0) return;
        _byRequest.Remove(sequence.Request.Id);
        if (sequence.DeadlineAt is not null) _withDeadline--;
    }

    private void EndExpired()
    {
        var now = _time.GetTimestamp();
        foreach (var samples in _byRequest.Values)
            foreach (var sequence in samples)
                if (sequence.DeadlineAt <= now) _expired.Add(sequence);
        foreach (var sequence in _expired)
            Finish(sequence, FinishReason.Cancelled, new Refusal(RefusalKind.Deadline, "DEADLINE_PASSED", "the deadline passed"));
        _expired.Clear();
    }

    private void FailUsersOf(AdapterEntry entry)
    {
        var failure = new Refusal(RefusalKind.Internal, "ADAPTER_UNREADABLE", entry.Failure!, "adapter");
        foreach (var id in _byRequest.Where(r => r.Value[0].Request.Adapter?.Generation == entry.Generation).Select(r => r.Key).ToArray())
            EndRequest(id, FinishReason.Failed, failure);
    }
}
