using System.Text.Json.Nodes;
using InferenceHost.ModelFiles.Catalogue;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Catalogue;

public sealed class ModelCatalogueTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("catalogue-");

    private static string Models => Path.Combine(SharedData.RepositoryRoot, "models");

    [Fact]
    public async Task RepositorysModelsAreWhatTheirManifestSays()
    {
        var catalogue = ModelCatalogue.Scan(Models);
        Assert.Empty(catalogue.Problems);
        Assert.Empty(catalogue.UnlistedFiles);
        var entry = Assert.Single(catalogue.Entries);
        Assert.Same(entry, catalogue.Find("smollm2-135m-instruct"));
        Assert.Same(entry, catalogue.FindByPath(SharedData.DefaultModel));
        Assert.Equal(["bank", "cityhall", "factory", "hospital"], entry.Manifest.Adapters.Select(a => a.Name));
        long told = 0;
        await entry.VerifyAsync(new Immediate(bytes => told = bytes), TestContext.Current.CancellationToken);
        Assert.Equal(new FileInfo(entry.ModelPath).Length, told);
        foreach (var adapter in entry.Manifest.Adapters)
        {
            await entry.VerifyAsync(adapter, null, TestContext.Current.CancellationToken);
            Assert.Equal("llama", LoraValidator.Validate(entry.PathOf(adapter), entry.ModelPath).Architecture);
        }
    }

    [Fact]
    public async Task WrongHashIsRefusedWithBothHashes()
    {
        Write("a.json", manifest => manifest["sha256"] = new string('0', 64));
        var entry = Assert.Single(ModelCatalogue.Scan(_folder.FullName).Entries);
        var error = await Assert.ThrowsAsync<ModelFileException>(() => entry.VerifyAsync(null, TestContext.Current.CancellationToken));
        Assert.Contains(new string('0', 64), error.Message, StringComparison.Ordinal);
        Assert.Contains(ContentHash.Compute(entry.ModelPath), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerificationIsCancelled()
    {
        Write("a.json", _ => { });
        var entry = Assert.Single(ModelCatalogue.Scan(_folder.FullName).Entries);
        using var cancel = new CancellationTokenSource();
        var progress = new Immediate(_ => cancel.Cancel());
        File.WriteAllBytes(entry.ModelPath, new byte[4 << 20]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => entry.VerifyAsync(progress, cancel.Token));
    }

    [Fact]
    public async Task AdapterOfAnotherModelIsRefused()
    {
        Write("a.json", manifest => manifest["adapters"] = new JsonArray(new JsonObject
        {
            ["name"] = "x",
            ["file"] = "model.gguf",
            ["sha256"] = new string('1', 64),
            ["licence"] = "MIT",
            ["source"] = "test",
            ["baseSha256"] = new string('2', 64),
            ["goodFor"] = "nothing",
        }));
        var entry = Assert.Single(ModelCatalogue.Scan(_folder.FullName).Entries);
        var error = await Assert.ThrowsAsync<ModelFileException>(() =>
            entry.VerifyAsync(entry.Manifest.Adapters[0], null, TestContext.Current.CancellationToken));
        Assert.Contains("baseSha256", error.Field, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sha256", "\"abc\"", "sha256")]
    [InlineData("name", "\"../x\"", "name")]
    [InlineData("file", "\"/etc/passwd\"", "file")]
    [InlineData("file", "\"../model.gguf\"", "file")]
    [InlineData("file", "\"absent.gguf\"", "file")]
    [InlineData("licence", "\"free for all!\"", "licence")]
    [InlineData("contextLength", "\"8192\"", "contextLength")]
    [InlineData("contextLength", "0", "contextLength")]
    [InlineData("adapters", "{}", "adapters")]
    [InlineData("adapters", "[{}]", "adapters[0].name")]
    [InlineData("source", "\" \"", "source")]
    [InlineData("shasum", "\"x\"", "shasum")]
    public void BrokenManifestIsNamedWithItsField(string field, string json, string expected)
    {
        Write("good.json", manifest => manifest["name"] = "good");
        Write("bad.json", manifest => manifest[field] = JsonNode.Parse(json));
        var catalogue = ModelCatalogue.Scan(_folder.FullName);
        Assert.Equal("good", Assert.Single(catalogue.Entries).Manifest.Name);
        Assert.Equal(expected, Assert.Single(catalogue.Problems).Field);
    }

    [Fact]
    public void MissingFieldDuplicateNameAndBrokenJsonAreProblems()
    {
        Write("a.json", _ => { });
        Write("b.json", _ => { });
        Write("c.json", manifest => manifest.Remove("licence"));
        File.WriteAllText(Path.Combine(_folder.FullName, "d.json"), "{\"name\": \"x\", \"name\": \"y\"}");
        File.WriteAllBytes(Path.Combine(_folder.FullName, "stray.gguf"), [1]);
        var catalogue = ModelCatalogue.Scan(_folder.FullName);
        Assert.Single(catalogue.Entries);
        Assert.Equal(["name", "licence", "manifest"], catalogue.Problems.Select(p => p.Field));
        Assert.Equal("stray.gguf", Path.GetFileName(Assert.Single(catalogue.UnlistedFiles)));
    }

    [Fact]
    public void MissingFolderIsOneClearError() =>
        Assert.Equal("folder", Assert.Throws<ModelFileException>(() => ModelCatalogue.Scan(Path.Combine(_folder.FullName, "none"))).Field);

    public void Dispose() => _folder.Delete(recursive: true);

    private void Write(string name, Action<JsonObject> change)
    {
        File.WriteAllBytes(Path.Combine(_folder.FullName, "model.gguf"), [1, 2, 3]);
        var manifest = new JsonObject
        {
            ["name"] = "model",
            ["file"] = "model.gguf",
            ["sha256"] = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81",
            ["architecture"] = "llama",
            ["licence"] = "Apache-2.0 OR MIT",
            ["source"] = "test",
            ["contextLength"] = 1,
            ["quantisation"] = "F16",
            ["goodFor"] = "tests",
            ["adapters"] = new JsonArray(),
        };
        change(manifest);
        File.WriteAllText(Path.Combine(_folder.FullName, name), manifest.ToJsonString());
    }

    private sealed class Immediate(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }
}
