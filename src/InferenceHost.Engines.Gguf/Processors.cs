using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf;

/// <summary>What the machine offers for computing on the CPU.</summary>
internal static class Processors
{
    /// <summary>Cores this process may use, hyper-threads counted once.</summary>
    public static int PhysicalCores()
    {
        var cores = new HashSet<string>();
        try
        {
            foreach (var cpu in Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu*"))
            {
                var siblings = Path.Combine(cpu, "topology", "thread_siblings_list");
                if (File.Exists(siblings))
                    cores.Add(File.ReadAllText(siblings).Trim());
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            cores.Clear();
        }
        return cores.Count == 0 ? Environment.ProcessorCount : Math.Min(cores.Count, Environment.ProcessorCount);
    }

    /// <summary>Widest vectors that this processor is fast with, in bits: 512, 256 or 128.</summary>
    public static int VectorBits => Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? 512 : Avx2.IsSupported && Fma.IsSupported ? 256 : 128;

    /// <summary>The widest vector instructions, for people.</summary>
    public static string Simd => Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : "portable";
}
