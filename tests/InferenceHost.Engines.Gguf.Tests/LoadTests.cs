using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.Engines.Gguf.Tests.Adapters;
using InferenceHost.Testing;

namespace InferenceHost.Engines.Gguf.Tests;

public sealed class LoadTests
{
    [Fact]
    public void TheLoadedLibrariesAreThePinnedOnes()
    {
        var set = NativeLibraries.Ensure();
        Assert.Contains("0.5.0", set.LlamaVersion, StringComparison.Ordinal);
        Assert.True(Directory.Exists(set.Directory));
    }

    [Fact]
    public void TheDefaultModelLoadsWithProgressAndSpeaksEnglish()
    {
        var seen = new List<float>();
        using var engine = GgufEngine.Load(TestEngines.Options(SharedData.DefaultModel), new Recorder(seen), TestContext.Current.CancellationToken);
        Assert.Equal(49_152, engine.Capabilities.VocabularySize);
        Assert.Equal(8_192, engine.Capabilities.TrainedContextTokens);
        Assert.Equal(2_048, engine.Capabilities.PoolTokens);
        Assert.StartsWith("CPU (", engine.Capabilities.Device, StringComparison.Ordinal);
        Assert.Equal(1f, seen[^1]);
        Assert.True(seen.SequenceEqual(seen.Order()));

        var prompt = engine.Tokenizer.Tokenize("The capital of France is", addBos: true, parseSpecial: false).Tokens;
        var tokens = GreedyRun.Together(engine, [prompt], 4)[0];
        var text = string.Concat(tokens.Select(id => System.Text.Encoding.UTF8.GetString(engine.Vocabulary.Piece(id))));
        Assert.StartsWith(" Paris", text, StringComparison.Ordinal);
    }

    [Fact]
    public void CancellingEndsTheLoad()
    {
        using var source = new CancellationTokenSource();
        var loading = new Recorder([], source);
        Assert.Throws<OperationCanceledException>(() => GgufEngine.Load(TestEngines.Options(SharedData.DefaultModel), loading, source.Token));
    }

    [Fact]
    public void AFileThatIsNoModelIsRefusedWithItsName()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("notes.gguf", "This is not a model at all, only a text that is long enough."u8.ToArray());
        var failure = Assert.Throws<EngineException>(() => TestEngines.Load(path));
        Assert.Contains("notes.gguf", failure.Message, StringComparison.Ordinal);
        var missing = Assert.Throws<EngineException>(() => TestEngines.Load(Path.Combine(folder.Path, "absent.gguf")));
        Assert.Contains("absent.gguf", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATruncatedModelIsRefusedWithItsName()
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(Reference.Tiny("llama").ModelPath);
        var path = folder.File("short.gguf", bytes[..(bytes.Length - 100_000)]);
        var failure = Assert.Throws<EngineException>(() => TestEngines.Load(path));
        Assert.Contains("short.gguf", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("no reason given", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAdapterFileIsNotTakenForAModel()
    {
        var failure = Assert.Throws<EngineException>(() => TestEngines.Load(Reference.Tiny("llama").Adapters[0].Path));
        Assert.Contains("adapter", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsOutOfRangeAreRefusedByName()
    {
        var options = TestEngines.Options(SharedData.DefaultModel);
        Assert.Equal("MaxSequences", Assert.Throws<ArgumentOutOfRangeException>(() => GgufEngine.Load(options with { MaxSequences = 257 })).ParamName);
        Assert.Equal("ContextTokens", Assert.Throws<ArgumentOutOfRangeException>(() => GgufEngine.Load(options with { ContextTokens = 0 })).ParamName);
        Assert.Equal("BatchTokens", Assert.Throws<ArgumentOutOfRangeException>(() => GgufEngine.Load(options with { BatchTokens = -1 })).ParamName);
    }

    [Fact]
    public void AHeadSizeWithoutAQuantisedCacheIsRefusedBeforeLoading()
    {
        var header = new ModelHeader("llama", 80, 80, false);
        var options = TestEngines.Options("x") with { KeyType = KvCacheType.Q8_0 };
        Assert.Contains("80", Assert.Throws<EngineException>(() => header.Verify(options, onCuda: false)).Message, StringComparison.Ordinal);
        var sarashina = new ModelHeader("llama", 160, 160, false);
        var values = TestEngines.Options("x") with { ValueType = KvCacheType.Q8_0 };
        sarashina.Verify(values, onCuda: false);
        Assert.Contains("160", Assert.Throws<EngineException>(() => sarashina.Verify(values, onCuda: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EncodersAndBrokenPlamoFilesAreRefusedByName()
    {
        var options = TestEngines.Options("x");
        Assert.Contains("'bert'", Assert.Throws<EngineException>(() => new ModelHeader("bert", 64, 64, false).Verify(options, false)).Message, StringComparison.Ordinal);
        Assert.Contains("head_count", Assert.Throws<EngineException>(() => new ModelHeader("plamo2", 64, 64, true).Verify(options, false)).Message, StringComparison.Ordinal);
        new ModelHeader("plamo2", 64, 64, false).Verify(options, false);
    }

    [Fact]
    public void AProbeRefusesAnAdapterWhoseNumbersOverflowOnTheWay()
    {
        using var folder = new TemporaryFolder();
        var reference = Reference.Tiny("llama");
        var weight = ModelHeader.Read(reference.ModelPath).Tensors.Single(tensor => tensor.Name == "blk.0.attn_v.weight");
        var (a, b) = (new float[1, weight.Ne0], new float[weight.Ne1, 1]);
        for (var i = 0; i < weight.Ne0; i++)
            a[0, i] = 1;
        b[0, 0] = 1e38f;
        var path = folder.File("loud.gguf", TinyLora.Write("llama", 1, [(weight.Name, a, b)]));
        var refused = Assert.Throws<EngineException>(() => ModelProbe.Run(reference.ModelPath, path, TestContext.Current.CancellationToken));
        Assert.Contains("at token 0", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AProbeAcceptsAGoodModelAndAdapter()
    {
        var reference = Reference.Tiny("qwen3");
        ModelProbe.Run(reference.ModelPath, null, TestContext.Current.CancellationToken);
        ModelProbe.Run(reference.ModelPath, reference.Adapters[2].Path, TestContext.Current.CancellationToken);
        var foreign = Reference.Tiny("qwen2").Adapters[2].Path;
        Assert.Throws<EngineException>(() => ModelProbe.Run(reference.ModelPath, foreign, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void TheLibrariesAreLookedForWhereTheDocumentationSays()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(NativeLibraries.DirectoryVariable, Assert.Throws<EngineException>(() => NativeLibraries.FindDirectory(folder.Path, null)).Message, StringComparison.Ordinal);
        var real = NativeLibraries.Ensure().Directory;
        folder.File("inferencehost.native.path", System.Text.Encoding.UTF8.GetBytes(real + "\n"));
        Assert.Equal(real, NativeLibraries.FindDirectory(folder.Path, null));
        folder.File("native/libggml-base.so", [0]);
        Assert.Equal(Path.Combine(folder.Path, "native"), NativeLibraries.FindDirectory(folder.Path, null));
        Assert.Equal(real, NativeLibraries.FindDirectory(folder.Path, real));
        Assert.Contains("/nowhere", Assert.Throws<EngineException>(() => NativeLibraries.FindDirectory(folder.Path, "/nowhere")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ACudaBackendThatCannotBeLoadedSaysWhy()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(NativeLibraries.CudaFault(folder.Path, ""));
        var path = folder.File("libggml-cuda.so", [0]);
        Assert.Equal($"{path} could not be loaded: {path}: file too short", NativeLibraries.CudaFault(folder.Path, ""));
        // One that can be loaded and shows no device.
        File.Delete(path);
        File.CreateSymbolicLink(path, Directory.EnumerateFiles(NativeLibraries.Ensure().Directory, "libggml-base.so*").First());
        Assert.Equal($"{path} was loaded and found no device: no driver", NativeLibraries.CudaFault(folder.Path, "no driver"));
        if (DeviceChoice.FindCuda() == 0)
            Assert.Contains("-p:NativeRuntime=cuda", Assert.Throws<EngineException>(() => DeviceChoice.Pick(GgufDevice.Cuda, 1)).Message, StringComparison.Ordinal);
    }

    private sealed class Recorder(List<float> seen, CancellationTokenSource? cancel = null) : IProgress<float>
    {
        public void Report(float value)
        {
            seen.Add(value);
            if (value > 0.3f)
                cancel?.Cancel();
        }
    }
}
