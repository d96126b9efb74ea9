using InferenceHost.Core.Adapters;

namespace InferenceHost.Core.Scheduling;

/// <summary>Picks the waiting sequence that gets the next free place: interactive before batch, then least service received, then longest wait.</summary>
internal sealed class Candidates(TenantLedger tenants, AdapterResidency adapters, SlotTurns turns, TimeProvider time)
{
    /// <summary>How far behind the head of a queue a sequence may overtake one that waits for its adapter.</summary>
    public const int Overtaking = 32;

    /// <summary>Whether a further sample waits for the prompt that it shares.</summary>
    public static bool WaitsForPrompt(Sequence sequence) => sequence.Primary is { IsFinished: false } primary && primary.Computed < primary.PromptTokens;

    public bool TryNext(long now, out Sequence candidate)
    {
        // A slot that others gave up for it must not stay empty.
        var best = turns.Next;
        if (best is not null)
        {
            candidate = best;
            return true;
        }
        var bestInteractive = false;
        foreach (var tenant in tenants.Active)
        {
            if (tenant.Waiting == 0 || !tenants.MayTakePlace(tenant)) continue;
            Consider(FirstReady(tenant.Interactive), now, ref best, ref bestInteractive);
            Consider(FirstReady(tenant.Batch), now, ref best, ref bestInteractive);
        }
        candidate = best!;
        return best is not null;
    }

    private void Consider(Sequence? sequence, long now, ref Sequence? best, ref bool bestInteractive)
    {
        if (sequence is null) return;
        var interactive = tenants.IsInteractive(sequence, time.GetElapsedTime(sequence.ArrivedAt, now));
        if (best is not null)
        {
            if (bestInteractive && !interactive) return;
            if (bestInteractive == interactive && !Before(sequence, best)) return;
        }
        best = sequence;
        bestInteractive = interactive;
    }

    private static bool Before(Sequence a, Sequence b) =>
        a.Tenant.Counter.Equals(b.Tenant.Counter) ? a.ArrivedAt < b.ArrivedAt : a.Tenant.Counter < b.Tenant.Counter;

    private Sequence? FirstReady(LinkedList<Sequence> queue)
    {
        var looked = 0;
        for (var node = queue.First; node is not null && looked < Overtaking; node = node.Next, looked++)
            if (IsReady(node.Value)) return node.Value;
        return null;
    }

    private bool IsReady(Sequence sequence) =>
        !WaitsForPrompt(sequence) && (sequence.Adapter is not { } adapter || (adapter != turns.Yielding && adapters.IsPinnable(adapter)));
}
