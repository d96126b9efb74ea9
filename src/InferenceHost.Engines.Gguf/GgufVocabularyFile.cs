using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.Engines.Gguf.Tokenization;

namespace InferenceHost.Engines.Gguf;

/// <summary>The vocabulary and tokenizer of a GGUF file without its weights.</summary>
public sealed class GgufVocabularyFile : IDisposable
{
    private readonly LlamaModelHandle _model;

    private GgufVocabularyFile(LlamaModelHandle model)
    {
        _model = model;
        Vocabulary = new GgufVocabulary(model);
        Tokenizer = new GuardedTokenizer(model, Vocabulary);
    }

    /// <summary>The vocabulary.</summary>
    public GgufVocabulary Vocabulary { get; }

    /// <summary>The tokenizer; safe for any thread until the file is disposed.</summary>
    public GuardedTokenizer Tokenizer { get; }

    /// <summary>Opens a file. Throws <see cref="EngineException"/> where llama.cpp cannot read it.</summary>
    public static GgufVocabularyFile Open(string path)
    {
        if (!File.Exists(path)) throw new EngineException($"{path} does not exist");
        NativeLibraries.Ensure();
        return new GgufVocabularyFile(ModelLoader.LoadVocabulary(path));
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();
}
