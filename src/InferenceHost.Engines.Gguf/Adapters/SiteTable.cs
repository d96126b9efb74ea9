using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>The sites of all graphs seen, in native memory at fixed addresses. A node that comes again under its address keeps its site.</summary>
internal sealed unsafe class SiteTable : IDisposable
{
    private const int ChunkSites = 512;
    private readonly Dictionary<nint, nint> _byNode = [];
    private readonly List<nint> _chunks = [];
    private int _used = ChunkSites;

    /// <summary>The cleared site of a node.</summary>
    public RoutingSite* Claim(nint node)
    {
        if (!_byNode.TryGetValue(node, out var site))
        {
            if (_used == ChunkSites)
            {
                _chunks.Add((nint)NativeMemory.Alloc(ChunkSites, (nuint)sizeof(RoutingSite)));
                _used = 0;
            }
            site = _chunks[^1] + (_used++ * sizeof(RoutingSite));
            _byNode[node] = site;
        }
        *(RoutingSite*)site = default;
        return (RoutingSite*)site;
    }

    public void Dispose()
    {
        foreach (var chunk in _chunks)
            NativeMemory.Free((void*)chunk);
        _chunks.Clear();
        _byNode.Clear();
        _used = ChunkSites;
    }
}
