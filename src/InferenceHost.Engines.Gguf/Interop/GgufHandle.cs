using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Owns a gguf_context: names, shapes and metadata of a file, no tensor data.</summary>
internal sealed class GgufHandle : SafeHandle
{
    private GgufHandle(nint context) : base(0, ownsHandle: true) => SetHandle(context);

    public override bool IsInvalid => handle == 0;

    /// <summary>Opens a file; throws where it is no GGUF file.</summary>
    public static unsafe GgufHandle Open(string path)
    {
        if (!File.Exists(path))
            throw new EngineException($"no such file: {path}");
        using var log = NativeLog.Collect();
        var context = LibGgmlBase.gguf_init_from_file(path, new gguf_init_params { no_alloc = 1 });
        return context != 0 ? new GgufHandle(context) : throw new EngineException($"{path} is not a readable GGUF file: {log.Summary}");
    }

    protected override bool ReleaseHandle()
    {
        LibGgmlBase.gguf_free(handle);
        return true;
    }
}
