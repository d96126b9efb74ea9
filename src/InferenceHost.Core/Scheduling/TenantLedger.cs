using InferenceHost.Core.Requests;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Fairness between tenants by virtual token counters: who has received least service, in weighted tokens, goes first; a tenant that was idle is
/// lifted to the least counter of the active ones, so that idleness earns no credit.
/// </summary>
/// <remarks>Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024.</remarks>
internal sealed class TenantLedger(SchedulerOptions options, TimeProvider time)
{
    /// <summary>Price of an input token.</summary>
    public const double InputPrice = 1;

    /// <summary>Price of an output token.</summary>
    public const double OutputPrice = 2;

    private const int MaxIdleTenants = 10_000;

    private readonly Dictionary<string, Tenant> _tenants = new(StringComparer.Ordinal);
    private readonly List<Tenant> _active = [];
    private double _floor;

    /// <summary>Tenants with running or waiting sequences.</summary>
    public IReadOnlyList<Tenant> Active => _active;

    public int Waiting { get; private set; }

    public Tenant Get(string name)
    {
        if (_tenants.TryGetValue(name, out var tenant)) return tenant;
        if (_tenants.Count >= MaxIdleTenants)
            foreach (var idle in _tenants.Values.Where(t => !t.IsActive).Select(t => t.Name).ToArray()) _tenants.Remove(idle);
        tenant = new Tenant(name, options.TenantWeights.GetValueOrDefault(name, 1));
        _tenants.Add(name, tenant);
        return tenant;
    }

    public void Enqueue(Sequence sequence)
    {
        Wake(sequence.Tenant);
        sequence.Tenant.QueueOf(sequence).AddLast(sequence);
        Waiting++;
    }

    /// <summary>Back to the head of its queue: it has waited before.</summary>
    public void EnqueueFirst(Sequence sequence)
    {
        sequence.Tenant.QueueOf(sequence).AddFirst(sequence);
        Waiting++;
    }

    public bool Dequeue(Sequence sequence)
    {
        if (!sequence.Tenant.QueueOf(sequence).Remove(sequence)) return false;
        Waiting--;
        return true;
    }

    /// <summary>Charges service to a tenant.</summary>
    public static void Charge(Tenant tenant, int inputTokens, int outputTokens) =>
        tenant.Counter += ((inputTokens * InputPrice) + (outputTokens * OutputPrice)) / tenant.Weight;

    /// <summary>Takes idle tenants off the active list.</summary>
    public void Sweep()
    {
        for (var i = _active.Count - 1; i >= 0; i--)
        {
            if (_active[i].IsActive) continue;
            _floor = Math.Max(_floor, _active.Count == 1 ? _active[i].Counter : 0);
            _active.RemoveAt(i);
        }
    }

    /// <summary>Places a tenant is entitled to while others are active.</summary>
    public double FairPlaces(Tenant tenant)
    {
        double weights = 0;
        foreach (var active in _active) weights += active.Weight;
        return options.Parallel * tenant.Weight / Math.Max(weights, tenant.Weight);
    }

    /// <summary>Whether the tenant's maximum share leaves it another place.</summary>
    public bool MayTakePlace(Tenant tenant) =>
        tenant.Running < Math.Max(1, (int)Math.Ceiling(options.Parallel * options.MaxTenantShare));

    private void Wake(Tenant tenant)
    {
        if (_active.Contains(tenant)) return;
        var least = _active.Count == 0 ? _floor : _active.Min(t => t.Counter);
        tenant.Counter = Math.Max(tenant.Counter, least);
        _active.Add(tenant);
    }

    /// <summary>Whether the sequence counts as interactive now: batch work does once it has waited long enough.</summary>
    public bool IsInteractive(Sequence sequence, long now) =>
        sequence.Request.Priority == Priority.Interactive || time.GetElapsedTime(sequence.ArrivedAt, now) >= options.BatchAging;

    /// <summary>A sequence's rank among all others now.</summary>
    public Entitlement EntitlementOf(Sequence sequence, long now) => new(IsInteractive(sequence, now), sequence.Tenant.Counter);
}
