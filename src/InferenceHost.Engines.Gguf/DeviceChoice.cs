using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>The device a model goes to.</summary>
/// <param name="Device">ggml's device, or 0 for the CPU.</param>
/// <param name="Description">For people.</param>
internal readonly record struct DeviceChoice(nint Device, string Description)
{
    public bool IsCuda => Device != 0;

    /// <summary>Why it is the CPU although the libraries for CUDA are there; null where that was asked for.</summary>
    public string? Note { get; init; }

    /// <summary>Picks a device; throws where CUDA is asked for and not there.</summary>
    public static unsafe DeviceChoice Pick(GgufDevice wanted, int threads)
    {
        if (wanted != GgufDevice.Cpu && FindCuda() is var device and not 0)
            return new DeviceChoice(device, $"CUDA ({Marshal.PtrToStringUTF8((nint)LibGgmlBase.ggml_backend_dev_description(device))})");
        var fault = NativeLibraries.Ensure().CudaFault;
        if (wanted == GgufDevice.Cuda)
            throw new EngineException($"no CUDA device was found{(fault is null ? "" : $": {fault}")}. It needs an NVIDIA driver, CUDA 13's cudart and cublas, and the libraries of -p:NativeRuntime=cuda (see native/README.md)");
        return new DeviceChoice(0, $"CPU ({Processors.Simd}, {threads} {(threads == 1 ? "thread" : "threads")})") { Note = wanted == GgufDevice.Auto ? fault : null };
    }

    /// <summary>The first CUDA device of the loaded backends; 0 where there is none.</summary>
    public static unsafe nint FindCuda()
    {
        for (nuint i = 0; i < LibGgml.ggml_backend_dev_count(); i++)
        {
            var device = LibGgml.ggml_backend_dev_get(i);
            var backend = Marshal.PtrToStringUTF8((nint)LibGgmlBase.ggml_backend_reg_name(LibGgmlBase.ggml_backend_dev_backend_reg(device)));
            if (LibGgmlBase.ggml_backend_dev_type(device) == ggml_backend_dev_type.Gpu && backend == "CUDA")
                return device;
        }
        return 0;
    }
}
