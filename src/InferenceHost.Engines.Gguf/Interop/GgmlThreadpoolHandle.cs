using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>
/// Owns a ggml_threadpool of the CPU backend. Without one ggml creates and joins its threads for every graph.
/// The context that it is attached to must be freed first.
/// </summary>
internal sealed unsafe class GgmlThreadpoolHandle : SafeHandle
{
    private readonly delegate* unmanaged[Cdecl]<nint, void> _free;

    private GgmlThreadpoolHandle(nint pool, nint free) : base(0, ownsHandle: true)
    {
        _free = (delegate* unmanaged[Cdecl]<nint, void>)free;
        SetHandle(pool);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Creates a pool, or null where the CPU backend has no such functions.</summary>
    public static GgmlThreadpoolHandle? TryCreate(int threads)
    {
        var device = LibGgml.ggml_backend_dev_by_type(ggml_backend_dev_type.Cpu);
        var registry = device == 0 ? 0 : LibGgmlBase.ggml_backend_dev_backend_reg(device);
        if (registry == 0)
            return null;
        var create = LibGgmlBase.ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_new");
        var free = LibGgmlBase.ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_free");
        if (create == 0 || free == 0)
            return null;
        var parameters = LibGgmlBase.ggml_threadpool_params_default(threads);
        var pool = ((delegate* unmanaged[Cdecl]<ggml_threadpool_params*, nint>)create)(&parameters);
        return pool == 0 ? null : new GgmlThreadpoolHandle(pool, free);
    }

    protected override bool ReleaseHandle()
    {
        _free(handle);
        return true;
    }
}
