using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests;

/// <summary>The golden model and adapter files.</summary>
internal static class TestFiles
{
    public static readonly string[] TinyModels = ["llama", "mixtral", "qwen2", "qwen3", "gemma3", "lfm2"];

    public static readonly string[] TinyAdapters = ["a-r4", "b-r8", "c-r16-rs"];

    public static string Tiny(string name) => SharedData.Require($"tiny/{name}/model.gguf");
}
