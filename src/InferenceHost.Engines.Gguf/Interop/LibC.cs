using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libc: what .NET does not reach. Environment.SetEnvironmentVariable changes a managed copy only.</summary>
internal static unsafe partial class LibC
{
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int setenv(string name, string value, int overwrite);

    /// <summary>which: 0 = a process, and on Linux a thread. 0 = done.</summary>
    [LibraryImport("libc")]
    internal static partial int setpriority(int which, int who, int niceness);

    /// <summary>flags: 1 = close on exec.</summary>
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int memfd_create(string name, uint flags);

    /// <summary>protection: 1 = read, 2 = write, 4 = execute; flags of Linux. (void*)-1 = refused.</summary>
    [LibraryImport("libc")]
    internal static partial void* mmap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc")]
    internal static partial int mprotect(void* address, nuint length, int protection);

    [LibraryImport("libc")]
    internal static partial int munmap(void* address, nuint length);
}
