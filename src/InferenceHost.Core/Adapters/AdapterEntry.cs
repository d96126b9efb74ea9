using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Adapters;

/// <summary>One generation of an adapter and where it is: on disk, in host memory, in a slot.</summary>
internal sealed class AdapterEntry(string generation, string path)
{
    public string Generation { get; } = generation;

    public string Path { get; } = path;

    /// <summary>The adapter in host memory; null while it is only on disk.</summary>
    public PreparedAdapter? Prepared { get; set; }

    /// <summary>Its slot; 0 = none.</summary>
    public int Slot { get; set; }

    /// <summary>Whether only a part of it has been copied into its slot.</summary>
    public bool IsCopying { get; set; }

    /// <summary>Up to which step its slot is kept for the sequence that it was copied for in parts; 0 = that has run, or there was none.</summary>
    public long AwaitedUntil { get; set; }

    /// <summary>Sequences that wait for it or run with it.</summary>
    public int Users { get; set; }

    /// <summary>Running sequences that read its slot.</summary>
    public int Pins { get; set; }

    /// <summary>Step since which there have always been some.</summary>
    public long PinnedSince { get; set; }

    public bool IsPreparing { get; set; }

    /// <summary>Whether it has been in host memory: what fails later may succeed when it is tried again.</summary>
    public bool WasReady { get; set; }

    public bool IsDropped { get; set; }

    public string? Failure { get; set; }

    public long LastUse { get; set; }

    /// <summary>Told when the entry is ready in host memory or has failed.</summary>
    public List<Action<string?>> Ready { get; } = [];

    /// <summary>Told when the entry is in a slot or finds none now (null), or has failed.</summary>
    public List<Action<string?>> Installed { get; } = [];

    /// <summary>Told when the entry is gone.</summary>
    public List<Action> Gone { get; } = [];
}
