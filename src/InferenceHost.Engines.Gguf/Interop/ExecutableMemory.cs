namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Pages that hold machine code made at run time: written first, then executable, never both.</summary>
internal sealed unsafe class ExecutableMemory : IDisposable
{
    private const int Readable = 1, Writable = 2, Executable = 4, PrivateAnonymous = 0x22;
    private readonly nuint _size;

    private ExecutableMemory(void* start, nuint size)
    {
        Start = start;
        _size = size;
    }

    public void* Start { get; private set; }

    /// <summary>Pages with this code; null where the system does not allow it (a policy against executable memory).</summary>
    public static ExecutableMemory? TryCreate(ReadOnlySpan<byte> code)
    {
        var page = (nuint)Environment.SystemPageSize;
        var size = ((nuint)code.Length + page - 1) / page * page;
        var start = LibC.mmap(null, size, Readable | Writable, PrivateAnonymous, -1, 0);
        if (start == (void*)-1)
            return null;
        var memory = new ExecutableMemory(start, size);
        code.CopyTo(new Span<byte>(start, code.Length));
        if (LibC.mprotect(start, size, Readable | Executable) == 0)
            return memory;
        memory.Dispose();
        return null;
    }

    public void Dispose()
    {
        if (Start != null)
            _ = LibC.munmap(Start, _size);
        Start = null;
    }
}
