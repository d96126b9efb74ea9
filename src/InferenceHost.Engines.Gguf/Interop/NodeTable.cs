using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>What is kept per node of all graphs seen, in native memory at fixed addresses. A node that comes again under its address keeps its place.</summary>
internal sealed unsafe class NodeTable<T> : IDisposable
    where T : unmanaged
{
    private const int ChunkItems = 512;
    private readonly Dictionary<nint, nint> _byNode = [];
    private readonly List<nint> _chunks = [];
    private int _used = ChunkItems;

    /// <summary>The cleared place of a node.</summary>
    public T* Claim(ggml_tensor* node)
    {
        if (!_byNode.TryGetValue((nint)node, out var place))
        {
            if (_used == ChunkItems)
            {
                _chunks.Add((nint)NativeMemory.Alloc(ChunkItems, (nuint)sizeof(T)));
                _used = 0;
            }
            place = _chunks[^1] + (_used++ * sizeof(T));
            _byNode[(nint)node] = place;
        }
        *(T*)place = default;
        return (T*)place;
    }

    public void Dispose()
    {
        foreach (var chunk in _chunks)
            NativeMemory.Free((void*)chunk);
        _chunks.Clear();
        _byNode.Clear();
        _used = ChunkItems;
    }
}
