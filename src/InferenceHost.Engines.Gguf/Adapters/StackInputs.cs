using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>What all stacks on one buffer type share: its memory, the rows of the running call, and the place for u.</summary>
internal sealed unsafe class StackInputs : IDisposable
{
    private readonly DeviceTensors _tensors;

    /// <param name="bufferType">Where the stacks lie.</param>
    /// <param name="stacks">Stacks at most.</param>
    /// <param name="rank">Rank of the stacks.</param>
    /// <param name="batchTokens">Rows of a call at most.</param>
    public StackInputs(nint bufferType, int stacks, int rank, int batchTokens)
    {
        _tensors = new DeviceTensors(bufferType, (2 * stacks) + 2);
        Rows = _tensors.Add(ggml_type.I32, 4L * batchTokens);
        // Nodes are computed one behind the other, and a module's u has been read when the next one's is written.
        Scratch = _tensors.Add(ggml_type.F32, rank, batchTokens);
        Device = _tensors.Device;
    }

    /// <summary>Slots of all rows, slots of the output rows, then the factors of both.</summary>
    public ggml_tensor* Rows { get; }

    public ggml_tensor* Scratch { get; }

    public nint Device { get; }

    public nint BufferType => _tensors.BufferType;

    /// <inheritdoc cref="DeviceTensors.Name"/>
    public string Name => _tensors.Name;

    /// <inheritdoc cref="DeviceTensors.IsHost"/>
    public bool IsHost => _tensors.IsHost;

    /// <inheritdoc cref="DeviceTensors.Bytes"/>
    public long Bytes => _tensors.Bytes;

    /// <inheritdoc cref="DeviceTensors.FreeBytes"/>
    public long FreeBytes => _tensors.FreeBytes;

    public ggml_tensor* Add(ggml_type type, long ne0, long ne1, long ne2) => _tensors.Add(type, ne0, ne1, ne2);

    /// <inheritdoc cref="DeviceTensors.TryAllocate"/>
    public bool TryAllocate() => _tensors.TryAllocate();

    public void Upload(ReadOnlySpan<int> rows)
    {
        fixed (int* start = rows)
            LibGgmlBase.ggml_backend_tensor_set(Rows, start, 0, (nuint)rows.Length * sizeof(int));
    }

    /// <summary>Where a group's slots and factors lie. Where all rows are alike, any count that is not larger than the call's is served from all rows.</summary>
    public bool TryFind(StepRows rows, RowGroup group, out void* slots, out void* scales)
    {
        int all = rows.All.RowCount, outputs = rows.Outputs.RowCount;
        var start = (int*)Rows->data + (group == rows.Outputs ? all : 0);
        slots = start;
        scales = start + all + outputs;
        return group.RowCount <= all;
    }

    public void Dispose() => _tensors.Dispose();
}
