using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>Loads model weights with progress and cancellation.</summary>
internal static unsafe class ModelLoader
{
    public static LlamaModelHandle Load(GgufEngineOptions options, DeviceChoice device, IProgress<float>? progress, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var parameters = LibLlama.llama_model_default_params();
        // An empty list keeps the model on the CPU even where other devices exist.
        var devices = stackalloc nint[2] { device.Device, 0 };
        parameters.devices = devices;
        parameters.n_gpu_layers = device.IsCuda ? -1 : 0;
        parameters.use_extra_bufts = options.InterleavedKernels ? (byte)1 : (byte)0;
        var state = GCHandle.Alloc(new LoadState(progress, cancellation));
        try
        {
            parameters.progress_callback = &OnProgress;
            parameters.progress_callback_user_data = (void*)GCHandle.ToIntPtr(state);
            using var log = NativeLog.Collect();
            var model = LibLlama.llama_model_load_from_file(options.ModelPath, parameters);
            if (model != 0)
                return new LlamaModelHandle(model);
            cancellation.ThrowIfCancellationRequested();
            throw new EngineException($"llama.cpp could not load {options.ModelPath}: {log.Summary}");
        }
        finally
        {
            state.Free();
        }
    }

    public static LlamaModelHandle LoadVocabulary(string path)
    {
        var parameters = LibLlama.llama_model_default_params();
        parameters.vocab_only = 1;
        parameters.n_gpu_layers = 0;
        using var log = NativeLog.Collect();
        var model = LibLlama.llama_model_load_from_file(path, parameters);
        return model != 0 ? new LlamaModelHandle(model) : throw new EngineException($"llama.cpp could not load the vocabulary of {path}: {log.Summary}");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte OnProgress(float fraction, void* userData)
    {
        try
        {
            var state = (LoadState)GCHandle.FromIntPtr((nint)userData).Target!;
            state.Progress?.Report(fraction);
            return state.Cancellation.IsCancellationRequested ? (byte)0 : (byte)1;
        }
        catch (Exception)
        {
            // A listener that throws ends the load; nothing may leave a native callback.
            return 0;
        }
    }

    private sealed record LoadState(IProgress<float>? Progress, CancellationToken Cancellation);
}
