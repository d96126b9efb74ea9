using System.Collections.Frozen;
using System.Globalization;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>Names of the Hugging Face modules and the GGUF tensors they became, per architecture.</summary>
internal static class PeftNames
{
    private static readonly FrozenDictionary<string, string> Common = new Dictionary<string, string>
    {
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, FrozenDictionary<string, string>> Own = new Dictionary<string,
        FrozenDictionary<string, string>>
    {
        ["phi3"] = Table(("self_attn.qkv_proj", "attn_qkv"), ("self_attn.o_proj", "attn_output"), ("mlp.gate_up_proj", "ffn_up"),
            ("mlp.down_proj", "ffn_down")),
        ["lfm2"] = Table(("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
            ("self_attn.out_proj", "attn_output"),
            ("feed_forward.w1", "ffn_gate"), ("feed_forward.w2", "ffn_down"), ("feed_forward.w3", "ffn_up"),
                ("conv.in_proj", "shortconv.in_proj"), ("conv.out_proj", "shortconv.out_proj")),
        ["starcoder2"] = Table(("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"),
            ("mlp.c_fc", "ffn_up"), ("mlp.c_proj", "ffn_down")),
    }.ToFrozenDictionary();

    // Their files hold the rows of q and k pairwise, as the engine's RoPE wants them.
    private static readonly FrozenSet<string> Permuted = FrozenSet.ToFrozenSet(["llama", "mistral3", "granite", "granitemoe", "arcee",
        "smollm3", "olmo", "minicpm"]);

    private static readonly FrozenSet<string> Plain = FrozenSet.ToFrozenSet(
        ["qwen2", "qwen2moe", "qwen3", "qwen3moe", "gemma", "gemma2", "gemma3", "olmo2", "olmoe", "seed_oss", "stablelm", "command-r",
            "cohere2", "phi3", "lfm2", "starcoder2"]);

    private static readonly string[] Prefixes = ["model.language_model.layers.", "language_model.model.layers.", "model.layers."];

    /// <summary>Whether adapters for this architecture can be imported.</summary>
    public static bool IsKnown(string architecture) => Permuted.Contains(architecture) || Plain.Contains(architecture);

    /// <summary>Whether query and key rows were reordered when the model was converted.</summary>
    public static bool IsPermuted(string architecture) => Permuted.Contains(architecture);

    /// <summary>The GGUF tensor of a module such as <c>model.layers.3.self_attn.q_proj</c>; null where there is none.</summary>
    public static string? TensorOf(string architecture, string module)
    {
        if (module == "lm_head")
            return "output.weight";
        var prefix = Array.Find(Prefixes, p => module.StartsWith(p, StringComparison.Ordinal));
        if (prefix is null)
            return null;
        var rest = module[prefix.Length..];
        var dot = rest.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || !int.TryParse(rest.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var layer))
            return null;
        var table = Own.GetValueOrDefault(architecture, Common);
        return table.TryGetValue(rest[(dot + 1)..], out var name)
            ? string.Create(CultureInfo.InvariantCulture, $"blk.{layer}.{name}.weight") : null;
    }

    private static FrozenDictionary<string, string> Table(params (string Module, string Tensor)[] entries) =>
        entries.ToFrozenDictionary(e => e.Module, e => e.Tensor);
}
