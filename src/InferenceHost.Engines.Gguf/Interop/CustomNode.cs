namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml_custom_op_params in a node's op_params (function 8, tasks 4 + 4, user data 8 bytes), and behind it a mark of ours: ggml reads 24 of 64 bytes.</summary>
internal static unsafe class CustomNode
{
    private const int TasksAt = 2, UserDataAt = 4, MarkAt = 6, AllTasks = -1;

    /// <summary>What a node was turned into; 0 or chance for others.</summary>
    public static int Mark(ggml_tensor* node) => node->op_params[MarkAt];

    /// <summary>The user data of a marked node.</summary>
    public static void* UserData(ggml_tensor* node) => *(void**)(node->op_params + UserDataAt);

    /// <summary>Fills the parameters for all threads; the operation itself stays.</summary>
    public static void Set(ggml_tensor* node, int mark, void* userData)
    {
        SetMark(node, mark, userData);
        node->op_params[TasksAt] = AllTasks;
    }

    /// <summary>Marks a node that is or becomes one of ggml's own: none of those that we write reads parameters where the mark lies.</summary>
    public static void SetMark(ggml_tensor* node, int mark, void* userData)
    {
        new Span<int>(node->op_params, ggml_tensor.OpParams).Clear();
        *(void**)(node->op_params + UserDataAt) = userData;
        node->op_params[MarkAt] = mark;
    }

    /// <summary>Sets what ggml calls.</summary>
    public static void SetFunction(ggml_tensor* node, delegate* unmanaged[Cdecl]<ggml_tensor*, int, int, void*, void> function) =>
        *(delegate* unmanaged[Cdecl]<ggml_tensor*, int, int, void*, void>*)node->op_params = function;
}
