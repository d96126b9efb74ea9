namespace InferenceHost.Core.Scheduling;

/// <summary>One tenant's queues and its virtual token counter.</summary>
internal sealed class Tenant(string name, double weight)
{
    public string Name { get; } = name;

    /// <summary>Share relative to other tenants, &gt; 0.</summary>
    public double Weight { get; } = weight;

    /// <summary>Service received, in weighted tokens (input 1, output 2), lifted when the tenant wakes from idleness.</summary>
    public double Counter { get; set; }

    /// <summary>Sequences that run now.</summary>
    public int Running { get; set; }

    /// <summary>Waiting sequences, oldest first, per priority.</summary>
    public LinkedList<Sequence> Interactive { get; } = new();

    public LinkedList<Sequence> Batch { get; } = new();

    public int Waiting => Interactive.Count + Batch.Count;

    public bool IsActive => Running + Waiting > 0;

    public LinkedList<Sequence> QueueOf(Sequence sequence) =>
        sequence.Request.Priority == Requests.Priority.Interactive ? Interactive : Batch;
}
