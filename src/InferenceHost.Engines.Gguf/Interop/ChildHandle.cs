using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>A native object that lives inside another one: it holds a reference on its parent until it is released itself.</summary>
internal abstract class ChildHandle : SafeHandle
{
    private readonly SafeHandle _parent;
    private readonly bool _referenced;

    protected ChildHandle(SafeHandle parent) : base(0, ownsHandle: true)
    {
        _parent = parent;
        parent.DangerousAddRef(ref _referenced);
    }

    public override bool IsInvalid => handle == 0;

    protected abstract void Free(nint value);

    protected sealed override bool ReleaseHandle()
    {
        Free(handle);
        ReleaseParent();
        return true;
    }

    /// <summary>For factories: the native call failed, so ReleaseHandle will never run.</summary>
    protected void ReleaseParent()
    {
        if (_referenced)
            _parent.DangerousRelease();
    }
}
