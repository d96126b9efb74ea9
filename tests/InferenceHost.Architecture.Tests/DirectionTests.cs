using System.Xml.Linq;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using InferenceHost.Testing;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace InferenceHost.Architecture.Tests;

/// <summary>Which project may know which. The table is the one of the design; a new arrow is a decision and belongs in src/README.md.</summary>
public sealed class DirectionTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["InferenceHost.Core"] = [],
        ["InferenceHost.Text"] = [],
        ["InferenceHost.ModelFiles"] = [],
        ["InferenceHost.Protocol"] = [],
        ["InferenceHost.Engines.Gguf"] = ["InferenceHost.Core", "InferenceHost.ModelFiles"],
        ["InferenceHost.Worker"] = ["InferenceHost.Engines.Gguf", "InferenceHost.Text", "InferenceHost.Protocol"],
        ["InferenceHost.Server"] = ["InferenceHost.Protocol", "InferenceHost.Text", "InferenceHost.ModelFiles"],
        ["InferenceHost.Cli"] = ["InferenceHost.Protocol", "InferenceHost.ModelFiles", "InferenceHost.Text", "InferenceHost.Server", "InferenceHost.Worker"],
    };

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    [Fact]
    public void EveryProjectIsInTheTable()
    {
        var folders = Directory.GetDirectories(Path.Combine(SharedData.RepositoryRoot, "src")).Select(f => Path.GetFileName(f)!);
        Assert.Equal(Allowed.Keys.Order(), folders.Order());
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectReferencesOnlyWhatItMay(string project)
    {
        var file = Path.Combine(SharedData.RepositoryRoot, "src", project, project + ".csproj");
        var references = XDocument.Load(file).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Empty(references.Except(Allowed[project]));
    }

    [Fact]
    public void CoreUsesNoPackageAndNothingOfTheOutsideWorld()
    {
        var document = XDocument.Load(Path.Combine(SharedData.RepositoryRoot, "src", "InferenceHost.Core", "InferenceHost.Core.csproj"));
        Assert.Empty(document.Descendants("PackageReference"));
        string[] forbidden = ["System.Net", "System.Net.Sockets", "System.Data", "System.Diagnostics.Process", "System.IO.FileSystem"];
        var referenced = typeof(Core.Execution.IEngine).Assembly.GetReferencedAssemblies().Select(a => a.Name!);
        Assert.DoesNotContain(referenced, name => name.StartsWith("InferenceHost", StringComparison.Ordinal) || name.StartsWith("Google", StringComparison.Ordinal)
            || name.StartsWith("Grpc", StringComparison.Ordinal) || name.StartsWith("Microsoft", StringComparison.Ordinal) || forbidden.Contains(name));
    }

    [Fact]
    public void TheSchedulerKnowsNoKindOfEngineAndNoThread()
    {
        var architecture = new ArchLoader().LoadAssemblies(typeof(Core.Execution.IEngine).Assembly).Build();
        Types().That().ResideInNamespace("InferenceHost.Core.KvCache").Should().NotDependOnAny(Types().That().ResideInNamespace("InferenceHost.Core.Scheduling"))
            .Because("the ledger is accounted to, it does not plan").Check(architecture);
        Types().That().ResideInNamespace("InferenceHost.Core.Sampling").Should().NotDependOnAny(Types().That().ResideInNamespace("InferenceHost.Core.Scheduling"))
            .Because("sampling sees logits and a sequence's own state").Check(architecture);
    }

    [Fact]
    public void CoreHasNoLock()
    {
        var folder = Path.Combine(SharedData.RepositoryRoot, "src", "InferenceHost.Core");
        var locking = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && File.ReadLines(f).Any(l => l.TrimStart().StartsWith("lock (", StringComparison.Ordinal) || l.Contains("Monitor.Enter", StringComparison.Ordinal)));
        Assert.Empty(locking);
    }
}
