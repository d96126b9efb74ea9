using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml.h, struct ggml_tensor: ne = elements per dimension, nb = stride in bytes per dimension.</summary>
internal unsafe struct ggml_tensor
{
    /// <summary>Elements of <see cref="op_params"/>: GGML_MAX_OP_PARAMS / sizeof(int32_t).</summary>
    public const int OpParams = 16;

    public int type;
    public nint buffer;
    public fixed long ne[4];
    public fixed long nb[4];
    public int op;
    public fixed int op_params[OpParams];
    public int flags;
    public Sources src;
    public ggml_tensor* view_src;
    public nuint view_offs;
    public void* data;
    public fixed byte name[64];
    public nint extra;
    public fixed byte padding[8];

    /// <summary>The tensor's name.</summary>
    public readonly string Name
    {
        get
        {
            fixed (byte* start = name)
                return Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(start));
        }
    }

    /// <summary>Whether it has this name, without making a string.</summary>
    public readonly bool IsNamed(ReadOnlySpan<byte> wanted)
    {
        fixed (byte* start = name)
            return MemoryMarshal.CreateReadOnlySpanFromNullTerminated(start).SequenceEqual(wanted);
    }

    /// <summary>Rows, over whatever dimensions they are spread.</summary>
    public readonly long Rows => ne[1] * ne[2] * ne[3];

    /// <summary>Whether it is computed rows of so many floats, one behind the other: they may be spread over three dimensions.</summary>
    public readonly bool HasRowsOf(long width) =>
        type == (int)ggml_type.F32 && nb[0] == sizeof(float) && ne[0] == width && data != null
        && (ne[2] == 1 || nb[2] == nb[1] * ne[1]) && (ne[3] == 1 || nb[3] == nb[2] * ne[2]);

    /// <summary>GGML_MAX_SRC operands.</summary>
    [InlineArray(10)]
    internal struct Sources
    {
        private nint _first;
    }
}
