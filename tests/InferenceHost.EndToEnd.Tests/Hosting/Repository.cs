using System.Reflection;
using InferenceHost.Testing;

namespace InferenceHost.EndToEnd.Tests.Hosting;

/// <summary>Places in the repository that these tests use.</summary>
internal static class Repository
{
    public static string Root => SharedData.RepositoryRoot;

    public static string Protos => Path.Combine(Root, "src", "InferenceHost.Protocol", "Protos");

    public static string Peers => Path.Combine(Root, "tests", "peers");

    public static string Adapters => Path.Combine(Root, "models", "adapters");

    /// <summary>The .proto files of Google that ours import.</summary>
    public static string GoogleProtos => Metadata("GoogleProtos");

    /// <summary>Debug or Release, as these tests were built.</summary>
    public static string Configuration => Metadata("BuildConfiguration");

    /// <summary>The executable, from its own output folder, in the configuration of these tests.</summary>
    public static string Executable => Path.Combine(Root, "src", "InferenceHost.Cli", "bin", Configuration, "net10.0", "inferencehost");

    private static string Metadata(string key) =>
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
