using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.ModelFiles.Models;
using InferenceHost.ModelFiles.Tests.Models;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Mutation;

/// <summary>
/// What the validators accept does not hurt the engine, whatever was done to the file. 6,000 files a run; set
/// INFERENCEHOST_MUTATIONS (files per golden file; a twelfth of it per planned architecture) and INFERENCEHOST_MUTATION_SEED to try more,
/// and
/// INFERENCEHOST_MUTATION_KEEP to a folder that takes the accepted files which the engine did not serve.
/// </summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private const int Lanes = 2;
    private static readonly int Count = Number("INFERENCEHOST_MUTATIONS", 396);
    private static readonly string? Keep = Environment.GetEnvironmentVariable("INFERENCEHOST_MUTATION_KEEP");
    private static readonly int Seed = Number("INFERENCEHOST_MUTATION_SEED", 20_261_122);

    [Theory]
    [InlineData("llama")]
    [InlineData("mixtral")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("gemma3")]
    [InlineData("lfm2")]
    public void AcceptedModelsDoNotStopTheEngine(string name) =>
        Run(TestFiles.Tiny(name), name, Count, path => ModelValidator.Validate(path), path => path);

    public static TheoryData<string> Planned => TensorPlanTests.Planned;

    [Theory]
    [MemberData(nameof(Planned))]
    public void AcceptedModelsOfPlannedArchitecturesDoNotStopTheEngine(string architecture)
    {
        var original = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");
        try
        {
            File.WriteAllBytes(original, PlannedModel.Build(architecture, withOptional: true).ToBytes());
            Run(original, architecture, Count / 12, path => ModelValidator.Validate(path), path => path);
        }
        finally
        {
            File.Delete(original);
        }
    }

    [Theory]
    [InlineData("llama", "a-r4")]
    [InlineData("llama", "b-r8")]
    [InlineData("mixtral", "a-r4")]
    [InlineData("qwen2", "c-r16-rs")]
    [InlineData("qwen3", "a-r4")]
    [InlineData("gemma3", "b-r8")]
    public void AcceptedAdaptersDoNotStopTheEngine(string model, string adapter)
    {
        var modelPath = TestFiles.Tiny(model);
        Run(SharedData.Require($"tiny/{model}/{adapter}.gguf"), $"{model}/{adapter}", Count, path =>
            LoraValidator.Validate(path, modelPath), path => $"{modelPath}\t{path}");
    }

    private void Run(string original, string kind, int count, Action<string> validate, Func<string, string> line)
    {
        ProbeProcess.RequireLibraries();
        var mutator = new Mutator(original);
        var failures = new ConcurrentBag<string>();
        var (accepted, served, next) = (0, 0, -1);

        // Other files, other damage.
        var first = Seed + (int)(XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(kind)) % 1_000_000_000);
        var folder = Directory.CreateTempSubdirectory("mutation-");
        try
        {
            Parallel.For(0, Lanes, lane =>
            {
                using var probe = new ProbeProcess();
                var path = Path.Combine(folder.FullName, $"{lane}.gguf");
                for (int i; (i = Interlocked.Increment(ref next)) < count;)
                {
                    var seed = first + i;
                    File.WriteAllBytes(path, mutator.Mutate(seed));
                    if (!IsAccepted(path, validate, seed, failures))
                        continue;
                    Interlocked.Increment(ref accepted);
                    var answer = probe.Show(line(path));
                    if (answer != "ok" && Keep is { } keep)
                        File.Copy(path, Path.Combine(keep, $"{seed}.gguf"), overwrite: true);
                    if (answer == "ok")
                        Interlocked.Increment(ref served);
                    else if (answer is null)
                        failures.Add($"seed {seed}: the engine died or hung: {probe.Errors}");
                    else
                        output.WriteLine($"seed {seed}: {answer}: {probe.Errors}");
                }
            });
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        output.WriteLine($"{count} files, {accepted} accepted, {served} served");
        Assert.True(failures.IsEmpty, string.Join('\n', failures));
        Assert.InRange(accepted, 1, count - 1);
    }

    private static bool IsAccepted(string path, Action<string> validate, int seed, ConcurrentBag<string> failures)
    {
        try
        {
            validate(path);
            return true;
        }
        catch (ModelFileException)
        {
            return false;
        }
        catch (Exception error)
        {
            failures.Add($"seed {seed}: {error.GetType().Name}: {error.Message} {error.StackTrace}");
            return false;
        }
    }

    private static int Number(string variable, int missing) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n
            : missing;
}
