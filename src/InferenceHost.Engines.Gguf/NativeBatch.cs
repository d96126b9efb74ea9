using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>The arrays behind a llama_batch, allocated once; one sequence per row.</summary>
internal sealed unsafe class NativeBatch : IDisposable
{
    private readonly int _capacity;
    private int* _tokens;
    private llama_batch _batch;

    public NativeBatch(int capacity)
    {
        _capacity = capacity;
        // tokens, positions, sequence counts (all 1), sequences
        _tokens = (int*)NativeMemory.Alloc((nuint)capacity, 4 * sizeof(int));
        var positions = _tokens + capacity;
        var counts = positions + capacity;
        var sequences = counts + capacity;
        var pointers = (int**)NativeMemory.Alloc((nuint)capacity, (nuint)sizeof(int*));
        for (var row = 0; row < capacity; row++)
        {
            counts[row] = 1;
            pointers[row] = sequences + row;
        }
        _batch = new llama_batch
        {
            token = _tokens,
            pos = positions,
            n_seq_id = counts,
            seq_id = pointers,
            logits = (sbyte*)NativeMemory.Alloc((nuint)capacity),
        };
    }

    /// <summary>Copies the rows in and returns the native batch.</summary>
    public llama_batch Fill(StepBatch batch)
    {
        batch.Tokens.CopyTo(new Span<int>(_batch.token, _capacity));
        batch.Positions.CopyTo(new Span<int>(_batch.pos, _capacity));
        if (batch.Count > 0)
            batch.Sequences.CopyTo(new Span<int>(_batch.seq_id[0], _capacity));
        MemoryMarshal.AsBytes(batch.WantsLogits).CopyTo(new Span<byte>(_batch.logits, _capacity));
        return _batch with { n_tokens = batch.Count };
    }

    public void Dispose()
    {
        if (_tokens == null)
            return;
        NativeMemory.Free(_tokens);
        NativeMemory.Free(_batch.seq_id);
        NativeMemory.Free(_batch.logits);
        _tokens = null;
        _batch = default;
    }
}
