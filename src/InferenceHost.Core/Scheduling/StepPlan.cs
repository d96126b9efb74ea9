namespace InferenceHost.Core.Scheduling;

/// <summary>What one step computes. Reused from step to step.</summary>
internal sealed class StepPlan
{
    private int[] _drafts = new int[64];

    public List<PlannedSequence> Sequences { get; } = [];

    /// <summary>Rows of the step = cells it needs.</summary>
    public int Rows { get; private set; }

    /// <summary>Sequences that decode (one token needed).</summary>
    public int DecodeRows { get; private set; }

    /// <summary>Rows of prompts.</summary>
    public int PrefillTokens { get; private set; }

    public int DraftTokens { get; private set; }

    public bool IsEmpty => Sequences.Count == 0;

    public ReadOnlySpan<int> Drafts(in PlannedSequence planned) => _drafts.AsSpan(planned.DraftStart, planned.DraftCount);

    public void Clear()
    {
        Sequences.Clear();
        Rows = DecodeRows = PrefillTokens = DraftTokens = 0;
    }

    public void AddDecode(Sequence sequence, ReadOnlySpan<int> drafts)
    {
        while (DraftTokens + drafts.Length > _drafts.Length) Array.Resize(ref _drafts, _drafts.Length * 2);
        drafts.CopyTo(_drafts.AsSpan(DraftTokens));
        Sequences.Add(new PlannedSequence(sequence, 1, DraftTokens, drafts.Length));
        DraftTokens += drafts.Length;
        DecodeRows++;
        Rows += 1 + drafts.Length;
    }

    public void AddPrefill(Sequence sequence, int tokens)
    {
        Sequences.Add(new PlannedSequence(sequence, tokens, 0, 0));
        PrefillTokens += tokens;
        Rows += tokens;
    }
}
