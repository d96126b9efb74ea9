using InferenceHost.Engines.Gguf;
using InferenceHost.ModelFiles.Models;

namespace InferenceHost.Worker;

/// <summary>
/// How many cells the prefix cache may keep. llama.cpp's attention on the CPU walks over every cell in use of the unified pool, once per row, head and layer, whosever
/// cells they are; where it is not ours that runs, cached cells cost every step. Small models feel it (a cache of 16,384 cells halves the speed of the default model at 32 streams, measured
/// 2026-11-22 with AVX2), large ones hardly: their matrices grow faster than their heads.
/// </summary>
internal static class PrefixCacheBudget
{
    private const double SmallModelTokens = 2048;
    private const double SmallModelParametersPerHead = 500_000;

    /// <summary>Null = whatever running sequences leave.</summary>
    public static int? For(GgufEngine engine, string modelPath) =>
        engine.OwnAttention || !engine.Capabilities.Device.StartsWith("CPU", StringComparison.Ordinal) ? null : ForCpu(modelPath);

    private static int? ForCpu(string modelPath)
    {
        var summary = ModelSummary.Read(modelPath);
        if (summary.Parameters <= 0 || summary.Heads <= 0 || summary.Layers <= 0) return null;
        var parametersPerHead = summary.Parameters / ((double)summary.Heads * summary.Layers);
        return (int)Math.Clamp(SmallModelTokens * parametersPerHead / SmallModelParametersPerHead, SmallModelTokens, int.MaxValue);
    }
}
