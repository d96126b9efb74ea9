namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>llama.h, struct llama_batch. The arrays belong to the caller.</summary>
internal unsafe struct llama_batch
{
    public int n_tokens;
    public int* token;
    public float* embd;
    public int* pos;
    public int* n_seq_id;
    public int** seq_id;
    public sbyte* logits;
}
