namespace InferenceHost.Engines.Gguf.Tests;

/// <summary>Engines as the tests load them: the CPU, small pools.</summary>
internal static class TestEngines
{
    public static GgufEngineOptions Options(string modelPath) => new()
    {
        ModelPath = modelPath,
        Device = GgufDevice.Cpu,
        ContextTokens = 2048,
        MaxSequences = 32,
        BatchTokens = 512,
        // ggml's threads spin at their barriers: tests that run side by side would wait for each other.
        Threads = 1,
    };

    public static GgufEngine Load(string modelPath) => GgufEngine.Load(Options(modelPath), null, TestContext.Current.CancellationToken);
}
