using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// An adapter as the kernel reads it. Slots point into its memory, nothing is copied: the memory is freed when its owner and the last slot have let go of it.
/// </summary>
internal sealed unsafe class RoutedAdapter : PreparedAdapter
{
    private readonly ModuleWeights[] _modules;
    private byte* _memory;
    private int _holders = 1;
    private int _disposed;

    public RoutedAdapter(int modules, long bytes, int rank)
    {
        _modules = new ModuleWeights[modules];
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        Bytes = bytes;
        Rank = rank;
    }

    /// <inheritdoc/>
    public override long Bytes { get; }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <summary>The block that <see cref="Modules"/> point into.</summary>
    public byte* Memory => _memory;

    /// <summary>Weights by module number.</summary>
    public Span<ModuleWeights> Modules => _modules;

    /// <summary>Keeps the memory for a slot; false where it is gone already.</summary>
    public bool TryHold()
    {
        while (true)
        {
            var holders = Volatile.Read(ref _holders);
            if (holders == 0)
                return false;
            if (Interlocked.CompareExchange(ref _holders, holders + 1, holders) == holders)
                return true;
        }
    }

    /// <summary>Ends one <see cref="TryHold"/>.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0)
            return;
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Release();
    }

    /// <summary>An owner that forgot it must not leak megabytes.</summary>
    ~RoutedAdapter() => Dispose(false);
}
