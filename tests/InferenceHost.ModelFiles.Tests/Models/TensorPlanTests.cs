using InferenceHost.ModelFiles.Models;
using InferenceHost.ModelFiles.Tests.Mutation;

namespace InferenceHost.ModelFiles.Tests.Models;

/// <summary>The plans are held against the engine itself: what a plan asks for is what the engine loads.</summary>
public sealed class TensorPlanTests
{
    public static TheoryData<string> Planned => [.. Architectures.Served.Where(a => TensorPlans.For(a) is not null)];

    [Theory]
    [MemberData(nameof(Planned))]
    public void PlannedModelIsAcceptedAndServed(string architecture)
    {
        ProbeProcess.RequireLibraries();
        using var probe = new ProbeProcess();
        foreach (var withOptional in new[] { false, true })
        {
            var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");
            try
            {
                File.WriteAllBytes(path, PlannedModel.Build(architecture, withOptional).ToBytes());
                ModelValidator.Validate(path);
                Assert.True(probe.Show(path) == "ok", $"optional tensors {withOptional}: {probe.Errors}");
            }
            finally
            {
                File.Delete(path);
            }
        }
    }
}
