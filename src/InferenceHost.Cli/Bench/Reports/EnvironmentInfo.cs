using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>The machine and the driver, so that figures can be compared years later.</summary>
/// <param name="DateUtc">Start of the run, ISO 8601.</param>
/// <param name="Cpu">Processor model.</param>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="Simd">Widest instruction set of interest.</param>
/// <param name="MemoryGiB">Memory of the machine.</param>
/// <param name="OperatingSystem">Name and version.</param>
/// <param name="Runtime">.NET version.</param>
/// <param name="Driver">Version of this program.</param>
/// <param name="Command">Command line, without the program's folder.</param>
internal sealed record EnvironmentInfo(
    string DateUtc, string Cpu, int Cores, string Simd, double MemoryGiB, string OperatingSystem, string Runtime, string Driver, string Command)
{
    /// <summary>Reads them from the running machine.</summary>
    public static EnvironmentInfo Current(string command, TimeProvider time) => new(
        time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        CpuModel(File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo") : []),
        Environment.ProcessorCount,
        Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : RuntimeInformation.ProcessArchitecture.ToString(),
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30), 1),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        typeof(EnvironmentInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
        command);

    /// <summary>The model name of /proc/cpuinfo; where it lacks one, the architecture.</summary>
    public static string CpuModel(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line.StartsWith("model name", StringComparison.Ordinal)) return line[(colon + 1)..].Trim();
        }
        return RuntimeInformation.ProcessArchitecture.ToString();
    }
}
