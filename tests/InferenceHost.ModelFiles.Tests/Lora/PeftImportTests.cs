using InferenceHost.ModelFiles.Lora;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Lora;

public sealed class PeftImportTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("peft-");

    public static TheoryData<string, string> TinyAdapters
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var model in TestFiles.TinyModels.Where(m => m != "lfm2"))
            {
                foreach (var adapter in TestFiles.TinyAdapters)
                    data.Add(model, adapter);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(TinyAdapters))]
    public void ImportEqualsTheFileBesideIt(string model, string adapter) =>
        CompareImport(SharedData.Require($"tiny/{model}/{adapter}"), SharedData.Require($"tiny/{model}/{adapter}.gguf"),
            TestFiles.Tiny(model));

    [Theory]
    [InlineData("cityhall")]
    [InlineData("factory")]
    public void ImportForTheDefaultModelEqualsTheFileBesideIt(string adapter) =>
        CompareImport(SharedData.Require($"adapters/peft/{adapter}"), SharedData.Require($"adapters/{adapter}.gguf"),
            SharedData.DefaultModel);

    public void Dispose() => _folder.Delete(recursive: true);

    private void CompareImport(string folder, string expected, string model)
    {
        var output = Path.Combine(_folder.FullName, "out.gguf");
        PeftImporter.Import(folder, model, output);
        Assert.Equal(File.ReadAllBytes(expected), File.ReadAllBytes(output));
    }
}
