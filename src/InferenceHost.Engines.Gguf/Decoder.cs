using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>llama_decode with its buffers: a batch in, logits out. Knows nothing of adapters.</summary>
internal sealed unsafe class Decoder : IDisposable
{
    private readonly LlamaContextHandle _context;
    private readonly GraphHook? _hook;
    private readonly IReadOnlyList<IKernelRewriter> _kernels;
    private readonly NativeBatch _batch;
    private readonly int _vocabularySize;
    private float* _logits;
    private int _outputs;

    public Decoder(OpenContext open, int capacity, int vocabularySize)
    {
        _kernels = open.Kernels;
        _hook = open.Hook;
        _context = open.Context;
        _batch = new NativeBatch(capacity);
        _vocabularySize = vocabularySize;
        Memory = LibLlama.llama_get_memory(_context);
    }

    /// <summary>The context's KV memory.</summary>
    public nint Memory { get; }

    public DecodeResult Decode(StepBatch batch)
    {
        _outputs = 0;
        foreach (var kernel in _kernels)
            kernel.Begin();
        _hook?.Begin(_context);
        var result = (DecodeResult)LibLlama.llama_decode(_context, _batch.Fill(batch));
        if (result != DecodeResult.Success)
            return result;
        // Both wait for the device; the logits of all outputs lie one behind the other in the order of their rows.
        if (batch.OutputCount == 0)
            LibLlama.llama_synchronize(_context);
        else if ((_logits = LibLlama.llama_get_logits(_context)) == null)
            return DecodeResult.ComputeFailed;
        _outputs = batch.OutputCount;
        return DecodeResult.Success;
    }

    /// <summary>Forgets the outputs of the last call.</summary>
    public void Invalidate() => _outputs = 0;

    public Span<float> Logits(int output)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(output);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(output, _outputs);
        return new Span<float>(_logits + ((nint)output * _vocabularySize), _vocabularySize);
    }

    public void Dispose()
    {
        _outputs = 0;
        _batch.Dispose();
    }
}
