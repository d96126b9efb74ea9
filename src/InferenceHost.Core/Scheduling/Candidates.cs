using InferenceHost.Core.Adapters;

namespace InferenceHost.Core.Scheduling;

/// <summary>Picks the waiting sequence that gets the next free place: interactive before batch, then least service received, then longest wait.</summary>
internal sealed class Candidates(TenantLedger tenants, AdapterResidency adapters, TimeProvider time)
{
    /// <summary>How far behind the head of a queue a sequence may overtake one that waits for its adapter.</summary>
    private const int Overtaking = 32;

    public bool TryNext(long now, out Sequence candidate)
    {
        Sequence? best = null;
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

    private bool IsReady(Sequence sequence)
    {
        // A further sample waits for the prompt it shares.
        if (sequence.Primary is { IsFinished: false } primary && primary.Computed < primary.PromptTokens) return false;
        return sequence.Adapter is not { } adapter || adapters.IsPinnable(adapter);
    }
}
