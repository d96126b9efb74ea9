namespace InferenceHost.Core.Scheduling;

/// <summary>Who goes first: interactive before batch, then the tenant that has received least. What is equal in both is told apart by who asks.</summary>
/// <param name="IsInteractive">Whether it counts as interactive now.</param>
/// <param name="Received">Service of its tenant so far, weighted tokens.</param>
internal readonly record struct Entitlement(bool IsInteractive, double Received) : IComparable<Entitlement>
{
    /// <summary>Below 0 where this goes first.</summary>
    public int CompareTo(Entitlement other) => IsInteractive == other.IsInteractive ? Received.CompareTo(other.Received) : IsInteractive ? -1 : 1;

    /// <summary>Whether this goes first.</summary>
    public bool Exceeds(Entitlement other) => CompareTo(other) < 0;
}
