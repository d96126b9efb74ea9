using System.Collections.Frozen;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>Which of a model's matrices the engine's graphs apply an adapter to.</summary>
internal static class LoraTargets
{
    private static readonly FrozenSet<string> Layer = FrozenSet.ToFrozenSet(
    [
        "attn_q", "attn_k", "attn_v", "attn_qkv", "attn_output", "attn_gate", "ffn_gate", "ffn_up", "ffn_down",
        "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp", "ffn_gate_inp", "ffn_gate_inp_shexp",
        "shortconv.in_proj", "shortconv.out_proj", "ssm_in", "ssm_out", "ssm_x", "ssm_dt", "ssm_alpha", "ssm_beta", "ssm_ba",
    ]);

    // Latent attention is written with plain products there: an adapter on it would be ignored without a word.
    private static readonly FrozenSet<string> LatentAttention = FrozenSet.ToFrozenSet(
        ["deepseek2", "deepseek2-ocr", "deepseek32", "deepseek4", "glm-dsa", "minicpm3", "plm", "mistral4", "kimi-linear", "kimi-k3",
            "bailingmoe3", "dots3note", "hy_v4"]);

    /// <summary>Why an adapter may not change this tensor; null where it may.</summary>
    public static string? WhyRefused(string architecture, string tensor)
    {
        if (tensor == "output.weight")
            return null;
        if (tensor.Contains("_exps.", StringComparison.Ordinal))
            return "an expert tensor, which adapters do not support";
        if (tensor == "token_embd.weight")
            return "the token embedding, which adapters do not support";
        var name = Part(tensor);
        if (name is not null && name.StartsWith("attn_", StringComparison.Ordinal) && name != "attn_output"
            && LatentAttention.Contains(architecture))
            return $"latent attention, where the engine ignores adapters ('{architecture}')";
        return name is null || !Layer.Contains(name) ? "a tensor that the engine does not apply adapters to" : null;
    }

    private static string? Part(string tensor)
    {
        const string Suffix = ".weight";
        if (!tensor.StartsWith("blk.", StringComparison.Ordinal) || !tensor.EndsWith(Suffix, StringComparison.Ordinal))
            return null;
        var dot = tensor.IndexOf('.', 4);
        return dot < 0 || dot + 1 > tensor.Length - Suffix.Length ? null : tensor[(dot + 1)..^Suffix.Length];
    }
}
