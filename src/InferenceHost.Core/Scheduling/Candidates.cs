using InferenceHost.Core.Adapters;

namespace InferenceHost.Core.Scheduling;

/// <summary>Picks the waiting sequence that gets the next free place: interactive before batch, then least service received, then longest wait.</summary>
internal sealed class Candidates(TenantLedger tenants, AdapterResidency adapters, SlotTurns turns, TimeProvider time)
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
        var best = turns.Next;
        var bestInteractive = best is not null && tenants.IsInteractive(best, time.GetElapsedTime(best.ArrivedAt, now));
        var turn = best;
        foreach (var tenant in tenants.Active)
        {
            if (tenant.Waiting == 0 || !tenants.MayTakePlace(tenant)) continue;
            Consider(FirstReady(tenant.Interactive, now), turn, now, ref best, ref bestInteractive);
            Consider(FirstReady(tenant.Batch, now), turn, now, ref best, ref bestInteractive);
        }
        candidate = best!;
        return best is not null;
    }

    private void Consider(Sequence? sequence, Sequence? turn, long now, ref Sequence? best, ref bool bestInteractive)
    {
        if (sequence is null) return;
        var interactive = tenants.IsInteractive(sequence, time.GetElapsedTime(sequence.ArrivedAt, now));
        if (best is not null)
        {
            if (bestInteractive && !interactive) return;
            if (bestInteractive == interactive && (best == turn ? sequence.Tenant.Counter >= best.Tenant.Counter : !Before(sequence, best))) return;
        }
        best = sequence;
        bestInteractive = interactive;
    }

    private static bool Before(Sequence a, Sequence b) =>
        a.Tenant.Counter.Equals(b.Tenant.Counter) ? a.ArrivedAt < b.ArrivedAt : a.Tenant.Counter < b.Tenant.Counter;

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
