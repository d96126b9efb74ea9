using System.Security.Cryptography;

namespace InferenceHost.EndToEnd.Tests.Hosting;

/// <summary>Clients of other makes. What cannot be had on this machine skips the test with the reason.</summary>
internal static class PeerTools
{
    private static readonly Lazy<Task<string?>> NodeModules = new(RestoreNodeModulesAsync);

    // Debian keeps them apart from the compiler.
    private const string WellKnownTypes = "/usr/include/google/protobuf/descriptor.proto";

    public static string Buf => Path.Combine(Repository.Peers, "node_modules", "@bufbuild", "buf-linux-x64", "bin", "buf");

    /// <summary>Debian's, for which python3-grpcio is packaged; another one on the PATH does not see it.</summary>
    public static string Python => "/usr/bin/python3";

    /// <summary>Restores tests/peers with npm where that was not done before.</summary>
    public static async Task RequireNodeModulesAsync()
    {
        string? reason = await NodeModules.Value;
        Assert.SkipWhen(reason is not null, reason ?? "");
    }

    public static void RequireProgram(string name) => Assert.SkipWhen(FindProgram(name) is null, $"{name} is not installed");

    public static async Task RequirePythonGrpcAsync()
    {
        Assert.SkipUnless(File.Exists(Python), $"{Python} is not there");
        CommandResult result = await CommandResult.RunAsync(Python, ["-c", "import grpc"]);
        Assert.SkipUnless(result.ExitCode == 0, "python3-grpcio is not installed");
        RequireProgram("protoc");
        RequireProgram("grpc_python_plugin");
        Assert.SkipUnless(File.Exists(WellKnownTypes), $"{WellKnownTypes} is not there: libprotobuf-dev is not installed");
    }

    public static string? FindProgram(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Python modules of the API in <paramref name="folder"/>.</summary>
    public static async Task GeneratePythonAsync(string folder)
    {
        string[] files = ["inferencehost/v1/inference.proto", "inferencehost/v1/operations.proto", "google/api/annotations.proto", "google/api/http.proto"];
        CommandResult result = await CommandResult.RunAsync("protoc",
        [
            "-I", Repository.Protos, "-I", Repository.GoogleProtos, $"--python_out={folder}", $"--grpc_out={folder}",
            $"--plugin=protoc-gen-grpc={FindProgram("grpc_python_plugin")}", .. files,
        ]);
        result.Succeeded();
    }

    private static async Task<string?> RestoreNodeModulesAsync()
    {
        if (FindProgram("node") is null || FindProgram("npm") is null)
            return "node and npm are not installed";
        string stamp = Path.Combine(Repository.Peers, "node_modules", ".restored");
        string wanted = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(Repository.Peers, "package-lock.json"))));
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == wanted)
            return null;
        CommandResult result = await CommandResult.RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], directory: Repository.Peers);
        if (result.ExitCode != 0)
            return $"npm ci failed in tests/peers: {result.Error.Split('\n').FirstOrDefault()}";
        await File.WriteAllTextAsync(stamp, wanted);
        return null;
    }
}
