using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Memory that grows and forgets what was in it.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private nint _size;

    /// <summary>Aligned to cache lines; moves when it grows.</summary>
    public void* Start { get; private set; }

    /// <summary>Makes room.</summary>
    public void Reserve(nint bytes)
    {
        if (bytes <= _size)
            return;
        NativeMemory.AlignedFree(Start);
        _size = Math.Max(bytes, _size * 2);
        Start = NativeMemory.AlignedAlloc((nuint)_size, 64);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Start);
        Start = null;
        _size = 0;
    }
}
