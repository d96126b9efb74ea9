namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml.h, struct ggml_threadpool_params.</summary>
internal unsafe struct ggml_threadpool_params
{
    public fixed byte cpumask[512];
    public int n_threads;
    public int prio;
    public uint poll;
    public byte strict_cpu;
    public byte paused;
}
