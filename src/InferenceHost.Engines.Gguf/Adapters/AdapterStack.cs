using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>One module's weights of all slots: A as [inputs, rank, slots], B as [rank, outputs, slots]. Slot 0 is zero: the base model.</summary>
internal sealed unsafe class AdapterStack(int module, StackInputs inputs, ggml_tensor* down, ggml_tensor* up)
{
    public int Module => module;

    public StackInputs Inputs => inputs;

    public ggml_tensor* Down => down;

    public ggml_tensor* Up => up;

    /// <summary>Puts an adapter's weights into a slot, <paramref name="upRow"/> bytes per row of its B; what its rank leaves over becomes zero.</summary>
    public void Set(int slot, in ModuleWeights weights, long upRow, Span<byte> staging)
    {
        var start = (nuint)slot * (nuint)down->nb[2];
        var used = (nuint)weights.Rank * (nuint)down->nb[1];
        LibGgmlBase.ggml_backend_tensor_set(down, weights.Down, start, used);
        if (used < (nuint)down->nb[2])
            LibGgmlBase.ggml_backend_tensor_memset(down, 0, start + used, (nuint)down->nb[2] - used);
        start = (nuint)slot * (nuint)up->nb[2];
        if (upRow == up->nb[1])
        {
            LibGgmlBase.ggml_backend_tensor_set(up, weights.Up, start, (nuint)up->nb[2]);
            return;
        }
        var slice = staging[..checked((int)up->nb[2])];
        slice.Clear();
        for (var row = 0; row < up->ne[1]; row++)
            new ReadOnlySpan<byte>(weights.Up + (row * upRow), (int)upRow).CopyTo(slice[(int)(row * up->nb[1])..]);
        fixed (byte* data = slice)
            LibGgmlBase.ggml_backend_tensor_set(up, data, start, (nuint)slice.Length);
    }

    /// <summary>Makes a slot the base model.</summary>
    public void Clear(int slot)
    {
        LibGgmlBase.ggml_backend_tensor_memset(down, 0, (nuint)slot * (nuint)down->nb[2], (nuint)down->nb[2]);
        LibGgmlBase.ggml_backend_tensor_memset(up, 0, (nuint)slot * (nuint)up->nb[2], (nuint)up->nb[2]);
    }
}
