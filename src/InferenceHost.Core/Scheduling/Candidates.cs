using InferenceHost.Core.Adapters;

namespace InferenceHost.Core.Scheduling;

/// <summary>Picks the waiting sequence that gets the next free place: interactive before batch, then least service received, then longest wait.</summary>
internal sealed class Candidates(TenantLedger tenants, AdapterResidency adapters, SlotTurns turns)
{
    /// <summary>How far behind the head of a queue a sequence may overtake one that waits for its adapter.</summary>
    public const int Overtaking = 32;

    /// <summary>Whether a further sample waits for the prompt that it shares.</summary>
    public static bool WaitsForPrompt(Sequence sequence) => sequence.Primary is { IsFinished: false } primary && primary.Computed < primary.PromptTokens;

    /// <summary>How much a waiting sequence counts towards <see cref="Overtaking"/>: those that gave their place up are at the head of the queue, and all of them may.</summary>
    public static int Counts(Sequence sequence) => sequence.FirstScheduledAt is null ? 1 : 0;

    public bool TryNext(long now, out Sequence candidate)
    {
        // First among equals: a slot that others gave up for it must not stay empty.
        var turn = turns.Next;
        var best = turn;
        foreach (var tenant in tenants.Active)
        {
            if (tenant.Waiting == 0 || !tenants.MayTakePlace(tenant)) continue;
            Consider(FirstReady(tenant.Interactive, now), turn, now, ref best);
            Consider(FirstReady(tenant.Batch, now), turn, now, ref best);
        }
        candidate = best!;
        return best is not null;
    }

    private void Consider(Sequence? sequence, Sequence? turn, long now, ref Sequence? best)
    {
        if (sequence is null) return;
        var order = best is null ? -1 : tenants.EntitlementOf(sequence, now).CompareTo(tenants.EntitlementOf(best, now));
        if (order < 0 || (order == 0 && best != turn && sequence.ArrivedAt < best!.ArrivedAt)) best = sequence;
    }

    private Sequence? FirstReady(LinkedList<Sequence> queue, long now)
    {
        var looked = 0;
        for (var node = queue.First; node is not null && looked < Overtaking; node = node.Next)
        {
            if (IsReady(node.Value, now)) return node.Value;
            looked += Counts(node.Value);
        }
        return null;
    }

    private bool IsReady(Sequence sequence, long now) =>
        !WaitsForPrompt(sequence) && (sequence.Adapter is not { } adapter || (!turns.Bars(sequence, now) && adapters.IsPinnable(adapter)));
}
