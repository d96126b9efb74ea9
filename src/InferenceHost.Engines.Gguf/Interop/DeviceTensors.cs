using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Tensors of ours in one buffer on a buffer type of ggml's: first all are added, then the memory is taken.</summary>
internal sealed unsafe class DeviceTensors : IDisposable
{
    private nint _context;
    private nint _buffer;

    /// <param name="bufferType">Where they shall lie.</param>
    /// <param name="tensors">Tensors at most.</param>
    public DeviceTensors(nint bufferType, int tensors)
    {
        BufferType = bufferType;
        _context = LibGgmlBase.ggml_init(new ggml_init_params { mem_size = (nuint)tensors * LibGgmlBase.ggml_tensor_overhead(), no_alloc = 1 });
    }

    public nint BufferType { get; }

    /// <summary>The buffer type, for people.</summary>
    public string Name => Marshal.PtrToStringUTF8((nint)LibGgmlBase.ggml_backend_buft_name(BufferType)) ?? "";

    /// <summary>Whether it is memory of the host.</summary>
    public bool IsHost => LibGgmlBase.ggml_backend_buft_is_host(BufferType);

    /// <summary>The device that computes with the buffer type; plain host memory names none and is the CPU's.</summary>
    public nint Device => LibGgmlBase.ggml_backend_buft_get_device(BufferType) is var device and not 0 ? device : LibGgml.ggml_backend_dev_by_type(ggml_backend_dev_type.Cpu);

    /// <summary>Bytes that all tensors need.</summary>
    public long Bytes => (long)LibGgmlBase.ggml_backend_alloc_ctx_tensors_from_buft_size(_context, BufferType);

    /// <summary>Bytes that the device says are free.</summary>
    public long FreeBytes
    {
        get
        {
            nuint free, total;
            LibGgmlBase.ggml_backend_dev_memory(Device, &free, &total);
            return (long)free;
        }
    }

    public ggml_tensor* Add(ggml_type type, long ne0, long ne1 = 1, long ne2 = 1) => LibGgmlBase.ggml_new_tensor_3d(_context, type, ne0, ne1, ne2);

    /// <summary>Takes the memory and clears it; false where the device has not that much.</summary>
    public bool TryAllocate()
    {
        _buffer = LibGgmlBase.ggml_backend_alloc_ctx_tensors_from_buft(_context, BufferType);
        if (_buffer == 0)
            return false;
        LibGgmlBase.ggml_backend_buffer_clear(_buffer, 0);
        return true;
    }

    public void Dispose()
    {
        if (_buffer != 0)
            LibGgmlBase.ggml_backend_buffer_free(_buffer);
        if (_context != 0)
            LibGgmlBase.ggml_free(_context);
        _buffer = _context = 0;
    }
}
