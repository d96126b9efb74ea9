using System.Globalization;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;
using Microsoft.Win32.SafeHandles;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>A file in memory with a path that native code can open: nothing to clean up after a crash, no disk needed.</summary>
internal sealed class MemoryFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    public MemoryFile(string name, ReadOnlySpan<byte> content)
    {
        var descriptor = LibC.memfd_create(name, 1);
        if (descriptor < 0)
            throw new EngineException("the system refused a file in memory (memfd_create)");
        _handle = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(_handle, content, 0);
        Path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}");
    }

    public string Path { get; }

    public void Dispose() => _handle.Dispose();
}
