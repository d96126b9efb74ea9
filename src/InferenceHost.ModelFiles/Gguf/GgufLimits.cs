namespace InferenceHost.ModelFiles.Gguf;

/// <summary>
/// Upper bounds on what a header may declare. They lie well above every published model and keep reading any file
/// within a few milliseconds and a few megabytes.
/// </summary>
public static class GgufLimits
{
    /// <summary>Key/value pairs (published models: about 100).</summary>
    public const int MaxKeyValues = 4096;

    /// <summary>Tensors in one file (published models: about 2,500).</summary>
    public const int MaxTensors = 32_768;

    /// <summary>Bytes of a key (the specification's own bound).</summary>
    public const int MaxKeyBytes = 65_535;

    /// <summary>Bytes of a tensor name; the engine keeps 64 with the terminating zero.</summary>
    public const int MaxTensorNameBytes = 63;

    /// <summary>Bytes of one string value.</summary>
    public const int MaxStringBytes = 64 << 20;

    /// <summary>Elements of one array of numbers.</summary>
    public const int MaxArrayElements = 16 << 20;

    /// <summary>Strings in all arrays of one file together (published models: 0.8 million).</summary>
    public const int MaxArrayStrings = 1 << 20;

    /// <summary>Bytes of header, metadata and tensor list together.</summary>
    public const int MaxMetadataBytes = 256 << 20;

    /// <summary>Dimensions of a tensor.</summary>
    public const int MaxDimensions = 4;

    /// <summary>Smallest alignment of tensor data; the engine maps tensors in place and wants 32.</summary>
    public const int MinAlignment = 32;

    /// <summary>Largest alignment of tensor data.</summary>
    public const int MaxAlignment = 1 << 20;

    /// <summary>Zero bytes that may follow the last tensor.</summary>
    public const int MaxTrailingBytes = 1 << 16;
}
