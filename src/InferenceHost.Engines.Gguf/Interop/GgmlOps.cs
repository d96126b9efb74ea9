using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Numbers of the operations that we look for or write, asked of the loaded library by name: ggml renumbers them freely.</summary>
internal sealed unsafe class GgmlOps
{
    private const int Limit = 256;

    private GgmlOps(Dictionary<string, int> numbers)
    {
        None = numbers["NONE"];
        Duplicate = numbers["DUP"];
        Add = numbers["ADD"];
        Multiply = numbers["MUL"];
        Scale = numbers["SCALE"];
        MultiplyMatrices = numbers["MUL_MAT"];
        MultiplyMatricesById = numbers["MUL_MAT_ID"];
        GetRows = numbers["GET_ROWS"];
        FlashAttention = numbers["FLASH_ATTN_EXT"];
        Custom = numbers["CUSTOM"];
    }

    public int None { get; }

    public int Duplicate { get; }

    public int Add { get; }

    public int Multiply { get; }

    public int Scale { get; }

    public int MultiplyMatrices { get; }

    public int MultiplyMatricesById { get; }

    public int GetRows { get; }

    public int FlashAttention { get; }

    public int Custom { get; }

    /// <summary>Whether a graph begins with this node, which looks the tokens up: one call is several graphs where llama.cpp splits a batch.</summary>
    public bool BeginsGraph(ggml_tensor* node) => node->op == GetRows && ((ggml_tensor*)node->src[1])->IsNamed("inp_tokens"u8);

    /// <summary>Reads the table; null where one of the operations is not there under its name.</summary>
    public static GgmlOps? TryRead()
    {
        // CUSTOM stands near the end; reading stops there, so that nothing behind the table is touched.
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var op = 0; op < Limit; op++)
        {
            if (Marshal.PtrToStringUTF8((nint)LibGgmlBase.ggml_op_name(op)) is not { } name)
                return null;
            numbers.TryAdd(name, op);
            if (name == "CUSTOM")
                break;
        }
        string[] wanted = ["NONE", "DUP", "ADD", "MUL", "SCALE", "MUL_MAT", "MUL_MAT_ID", "GET_ROWS", "FLASH_ATTN_EXT", "CUSTOM"];
        return Array.TrueForAll(wanted, numbers.ContainsKey) ? new GgmlOps(numbers) : null;
    }
}
