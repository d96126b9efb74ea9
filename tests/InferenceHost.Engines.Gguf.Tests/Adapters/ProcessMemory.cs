using System.Globalization;
using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>What this process holds: bytes in use on the native heap, bytes of its own, objects, and open files.</summary>
internal readonly partial record struct ProcessMemory(long HeapBytes, long PrivateBytes, long ManagedBytes, int OpenFiles)
{
    /// <summary>Reads it after a full collection.</summary>
    public static ProcessMemory Read()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var managed = GC.GetTotalMemory(forceFullCollection: true);
        var heap = mallinfo2();
        return new ProcessMemory((long)heap.Used + (long)heap.Mapped, PrivateDirtyBytes(), managed, Directory.GetFileSystemEntries("/proc/self/fd").Length);
    }

    /// <summary>
    /// Flat, within what varies from moment to moment. What is in use tells a leak; the bytes of the process also grow where the heap writes for the first
    /// time to pages that it has had for long, so their bound is wide.
    /// </summary>
    public void AssertFlatSince(ProcessMemory before)
    {
        Assert.InRange(HeapBytes - before.HeapBytes, long.MinValue, 12L << 20);
        Assert.InRange(PrivateBytes - before.PrivateBytes, long.MinValue, 64L << 20);
        Assert.InRange(ManagedBytes - before.ManagedBytes, long.MinValue, 1L << 20);
        Assert.InRange(OpenFiles - before.OpenFiles, int.MinValue, 20);
    }

    // Pages that are this process's alone and were written: neither files mapped in nor memory that was only reserved.
    private static long PrivateDirtyBytes()
    {
        const string Name = "Private_Dirty:";
        var line = File.ReadLines("/proc/self/smaps_rollup").First(text => text.StartsWith(Name, StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan(Name.Length).Trim()[..^3], NumberStyles.Integer, CultureInfo.InvariantCulture);
    }

    [LibraryImport("libc")]
    private static partial HeapInfo mallinfo2();

    /// <summary>glibc's struct mallinfo2, all arenas together.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct HeapInfo
    {
        public readonly nuint Arena, FreeChunks, FastChunks, MappedChunks, Mapped, Unused, FastFree, Used, Free, Releasable;
    }
}
