using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.KvCache;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Speculation;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// One sample of a request on its way through the loop. There are no phases: it has tokens and computed tokens, and prefill is "more than one left".
/// Owned by the engine thread.
/// </summary>
internal sealed class Sequence
{
    private readonly int[] _tokens;
    private bool _announced;

    public Sequence(SequenceRequest request, int index, int maxNewTokens, Tenant tenant, long arrivedAt)
    {
        Request = request;
        Index = index;
        Tenant = tenant;
        ArrivedAt = arrivedAt;
        MaxNewTokens = maxNewTokens;
        _tokens = new int[request.Prompt.Length + maxNewTokens];
        request.Prompt.Span.CopyTo(_tokens);
        Count = PromptTokens = request.Prompt.Length;
        var sampling = index == 0 ? request.Sampling : request.Sampling with { Seed = SampleSeed(request.Sampling.Seed, index) };
        Sampling = new SequenceSamplingState(sampling, _tokens.Length);
        if (sampling.UsesHistory) Sampling.AcceptPrompt(request.Prompt.Span);
        Output = new SequenceOutput(request.Stop);
        PrefixKey = new PrefixKey(request.Tenant, request.Adapter?.Generation ?? "", request.Adapter?.Scale ?? 1);
    }

    public SequenceRequest Request { get; }

    public int Index { get; }

    public Tenant Tenant { get; }

    public PrefixKey PrefixKey { get; }

    public SequenceSamplingState Sampling { get; }

    public SequenceOutput Output { get; }

    /// <summary>Guesses the next tokens from the sequence's own text; null where speculation is off for it.</summary>
    public NgramDrafter? Drafter { get; set; }

    /// <summary>Sample 0 of the same request, whose prompt this one shares; null for sample 0 itself.</summary>
    public Sequence? Primary { get; init; }

    /// <summary>The adapter it was admitted with, which stays known as long as the sequence uses it; null = base model.</summary>
    public AdapterEntry? Adapter { get; init; }

    /// <summary>Step at which it was first seen to wait for a slot since it last ran; 0 = it was not.</summary>
    public long AwaitsSlotSince { get; set; }

    /// <summary>Prompt and output tokens.</summary>
    public int Count { get; private set; }

    public int PromptTokens { get; }

    public int MaxNewTokens { get; }

    /// <summary>Tokens whose cells are in the KV memory.</summary>
    public int Computed { get; set; }

    /// <summary>Tokens that must be computed before the next one can be sampled.</summary>
    public int Needed => Count - Computed;

    public int Generated => Count - PromptTokens;

    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Whether it has a place in the engine; <see cref="Slot"/> and <see cref="AdapterSlot"/> are valid then.</summary>
    public bool IsRunning { get; set; }

    public bool IsFinished { get; set; }

    public EngineSequence Slot { get; set; }

    public int AdapterSlot { get; set; }

    /// <summary>Its state in host memory while it waits to go on; owned by <see cref="SwapStore"/>, null where its cells are in the KV memory or must be computed.</summary>
    public SavedState? Saved { get; set; }

    public float AdapterScale => Request.Adapter?.Scale ?? 1;

    /// <summary>Tokens to prefill when it got its place; short prompts may be taken whole.</summary>
    public int PrefillAtActivation { get; set; }

    /// <summary>Value of <see cref="Generated"/> when it got its place.</summary>
    public int GeneratedAtActivation { get; set; }

    public long ActivationOrder { get; set; }

    public int CachedPromptTokens { get; set; }

    public int AcceptedDraftTokens { get; set; }

    public double SumLogProbability { get; set; }

    public long ArrivedAt { get; }

    public long? DeadlineAt { get; init; }

    public long? FirstScheduledAt { get; set; }

    public long? FirstTokenAt { get; set; }

    public long LastTokenAt { get; set; }

    /// <summary>True once: for the first news of the sequence.</summary>
    public bool Announce() => !_announced && (_announced = true);

    public void Append(int token) => _tokens[Count++] = token;

    public Usage Usage(TimeProvider time, long now)
    {
        var scheduled = FirstScheduledAt ?? now;
        var first = FirstTokenAt ?? now;
        return new Usage(PromptTokens, CachedPromptTokens, Generated,
            time.GetElapsedTime(ArrivedAt, scheduled),
            time.GetElapsedTime(scheduled, first),
            FirstTokenAt is null ? TimeSpan.Zero : time.GetElapsedTime(first, LastTokenAt),
            AcceptedDraftTokens, SumLogProbability);
    }

    /// <summary>Another stream of the seed for each further sample (the finaliser of SplitMix64, Steele et al. 2014).</summary>
    private static ulong SampleSeed(ulong seed, int index)
    {
        var z = unchecked(seed + ((ulong)index * 0x9E3779B97F4A7C15));
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
