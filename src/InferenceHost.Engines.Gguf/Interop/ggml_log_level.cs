namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml.h, enum ggml_log_level.</summary>
internal enum ggml_log_level
{
    None = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,

    /// <summary>Goes on with the line of the message before.</summary>
    Continue = 5,
}
