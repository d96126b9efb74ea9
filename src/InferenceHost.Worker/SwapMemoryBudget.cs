using System.Globalization;

namespace InferenceHost.Worker;

/// <summary>Host memory for the states of preempted sequences where nobody said how much: 1 GiB, but never more than a quarter of what is available now.</summary>
internal static class SwapMemoryBudget
{
    private const long MostBytes = 1L << 30;
    private const int Share = 4;

    public static long ForMachine()
    {
        // What the runtime may use knows the limit of a container, /proc/meminfo what others left of the machine.
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (File.Exists("/proc/meminfo") && TryReadAvailable(File.ReadLines("/proc/meminfo"), out var left)) available = Math.Min(available, left);
        return Of(available);
    }

    internal static long Of(long availableBytes) => Math.Clamp(availableBytes / Share, 0, MostBytes);

    /// <summary>The line "MemAvailable:   24117248 kB", in bytes.</summary>
    internal static bool TryReadAvailable(IEnumerable<string> lines, out long bytes)
    {
        bytes = 0;
        foreach (var line in lines)
        {
            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts is not ["MemAvailable:", var number, "kB"] || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes)) continue;
            bytes = kilobytes * 1024;
            return true;
        }
        return false;
    }
}
