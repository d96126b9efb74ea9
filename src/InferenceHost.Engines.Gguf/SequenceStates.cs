using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>
/// States of single sequences, in and out of llama.cpp's memory. Recurrent and hybrid memory is copied whole as well. Owned by the engine thread.
/// </summary>
/// <param name="context">The context; it waits for the device before it copies.</param>
/// <param name="memory">Its KV memory.</param>
/// <param name="window">Tokens of the sliding attention window; 0 = none.</param>
/// <param name="rewindable">Whether every position has a cell, so that a restored sequence must begin at position 0.</param>
internal sealed unsafe class SequenceStates(LlamaContextHandle context, nint memory, int window, bool rewindable)
{
    /// <summary>Bytes of a sequence's state; 0 where it cannot be saved.</summary>
    public long Bytes(EngineSequence sequence, int length) => length > 0 && IsWhole(length) ? (long)LibLlama.llama_state_seq_get_size(context, sequence.Value) : 0;

    public bool TrySave(EngineSequence sequence, int length, long bytes, [NotNullWhen(true)] out SavedState? state)
    {
        state = null;
        if (bytes == 0 || State.TryAllocate(bytes, length) is not { } block) return false;
        if ((long)LibLlama.llama_state_seq_get_data(context, block.Data, (nuint)bytes, sequence.Value) != bytes)
        {
            block.Dispose();
            return false;
        }
        state = block;
        return true;
    }

    /// <summary>False where llama.cpp refused or a position is missing; some cells may be taken then.</summary>
    public bool TryRestore(EngineSequence sequence, SavedState state)
    {
        if (state is not State { Data: not null } block) throw new ArgumentException("the state is another engine's or disposed", nameof(state));
        return (long)LibLlama.llama_state_seq_set_data(context, block.Data, (nuint)block.Bytes, sequence.Value) == block.Bytes
            && (!rewindable || LibLlama.llama_memory_seq_pos_min(memory, sequence.Value) == 0);
    }

    // llama.cpp leaves out the cells behind the window even where the cache has them all (swa_full), and gives them to others as soon as the next
    // position masks them: such a sequence would go on well, but who shared a shorter prefix of it would silently miss cells.
    private bool IsWhole(int length) => window == 0 || length < window;

    /// <summary>Memory of its own rather than an array: it is up to gigabytes, and must be back with the system when it is disposed.</summary>
    private sealed class State : SavedState
    {
        private readonly int _tokens;
        private readonly long _bytes;

        private State(byte* data, long bytes, int tokens)
        {
            Data = data;
            _bytes = bytes;
            _tokens = tokens;
        }

        ~State() => Dispose(false);

        public byte* Data { get; private set; }

        public override long Bytes => _bytes;

        public override int Tokens => _tokens;

        public static State? TryAllocate(long bytes, int tokens)
        {
            try
            {
                return new State((byte*)NativeMemory.Alloc((nuint)bytes), bytes, tokens);
            }
            catch (OutOfMemoryException)
            {
                return null;
            }
        }

        protected override void Dispose(bool disposing)
        {
            NativeMemory.Free(Data);
            Data = null;
        }
    }
}
