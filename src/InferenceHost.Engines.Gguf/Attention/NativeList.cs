using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>A growing list in native memory.</summary>
internal sealed unsafe class NativeList<T> : IDisposable
    where T : unmanaged
{
    private int _capacity;

    public T* Items { get; private set; }

    public int Count { get; private set; }

    public ref T this[int index] => ref Items[index];

    public void Clear() => Count = 0;

    public void Add(T item)
    {
        Reserve(Count + 1);
        Items[Count++] = item;
    }

    /// <summary>Adds items whose values are not set; the first one's address.</summary>
    public T* Extend(int count)
    {
        Reserve(Count + count);
        Count += count;
        return Items + Count - count;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Items);
        Items = null;
        Count = _capacity = 0;
    }

    private void Reserve(int count)
    {
        if (count <= _capacity)
            return;
        _capacity = Math.Max(count, Math.Max(64, _capacity * 2));
        Items = (T*)NativeMemory.AlignedRealloc(Items, (nuint)_capacity * (nuint)sizeof(T), 64);
    }
}
