using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Which adapter is in which slot, as the kernel reads it: for each module the weights of all slots. Slot 0 stays empty: the base model.</summary>
internal sealed unsafe class SlotTable : IDisposable
{
    private readonly int _modules;
    private readonly RoutedAdapter?[] _adapters;
    private ModuleWeights* _weights;

    /// <param name="modules">Number of modules.</param>
    /// <param name="slots">Number of slots with slot 0.</param>
    public SlotTable(int modules, int slots)
    {
        _modules = modules;
        Count = slots;
        _adapters = new RoutedAdapter?[slots];
        _weights = (ModuleWeights*)NativeMemory.AllocZeroed((nuint)modules * (nuint)slots, (nuint)sizeof(ModuleWeights));
    }

    /// <summary>Slots with slot 0.</summary>
    public int Count { get; }

    /// <summary>Grows with every change.</summary>
    public int Version { get; private set; }

    /// <summary>Highest padded rank of all slots.</summary>
    public int MaxRank { get; private set; } = ModuleWeights.RankStep;

    public ModuleWeights* Module(int module) => _weights + ((nint)module * Count);

    public RoutedAdapter? Of(int slot) => _adapters[slot];

    public void Set(int slot, RoutedAdapter? adapter)
    {
        if (adapter is not null && !adapter.TryHold())
            throw new ObjectDisposedException(nameof(RoutedAdapter));
        var before = _adapters[slot];
        _adapters[slot] = adapter;
        for (var module = 0; module < _modules; module++)
            Module(module)[slot] = adapter is null ? default : adapter.Modules[module];
        if (adapter is not null)
            MaxRank = Math.Max(MaxRank, ModuleWeights.PadRank(adapter.Rank));
        Version++;
        before?.Release();
    }

    public void Dispose()
    {
        if (_weights == null)
            return;
        for (var slot = 0; slot < Count; slot++)
            _adapters[slot]?.Release();
        Array.Clear(_adapters);
        NativeMemory.Free(_weights);
        _weights = null;
    }
}
