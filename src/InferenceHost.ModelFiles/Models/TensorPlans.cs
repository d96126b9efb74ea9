using System.Collections.Frozen;

namespace InferenceHost.ModelFiles.Models;

/// <summary>The plans of the common architectures. Architectures without one are checked for form only.</summary>
internal static class TensorPlans
{
    private const string Head = "token_embd E V; output_norm E; ?output E V;";
    private const string UntiedHead = "token_embd E V; output_norm E; output E V;";
    private const string NormHead = "token_embd E V; output_norm E; output_norm.bias E; ?output E V;";
    private const string Rope = "?plain:rope_freqs R2; ?long:rope_factors_long R2; ?long:rope_factors_short R2;";
    private const string GatedFfn = "dense:.ffn_gate E F; dense:.ffn_up E F; dense:.ffn_down F E;";
    private const string PlainFfn = ".ffn_up E F; .ffn_down F E;";
    private const string Wide = "qkv Q K W; .attn_output Q E;";
    private const string Full = "qkv E W W; .attn_output E E;";
    private const string QkNorm = ".attn_q_norm D; .attn_k_norm D;";
    private const string Norms = ".attn_norm E; .ffn_norm E;";
    private const string BiasNorms = ".attn_norm E; .attn_norm.bias E; .ffn_norm E; .ffn_norm.bias E;";
    private const string Moe = "moe:.ffn_gate_inp E X; moe:.ffn_gate_exps E M X; moe:.ffn_up_exps E M X; moe:.ffn_down_exps M E X;";

    // Mixtral keeps the experts' width in feed_forward_length; the gate may be absent, and shared experts come with Granite.
    private const string MoeLikeLlama = "moe:.ffn_gate_inp E X; ?moe:.ffn_gate_exps E F X; moe:.ffn_up_exps E F X; moe:.ffn_down_exps F E X;"
        + "?moe:.ffn_gate_shexp E S; ?moe:.ffn_up_shexp E S; ?moe:.ffn_down_shexp S E;";

    private const string LikeLlama = Head + Rope + Norms + Wide + GatedFfn + MoeLikeLlama
        + "?.attn_output.bias E; ?dense:.ffn_gate.bias F; ?dense:.ffn_up.bias F; ?dense:.ffn_down.bias E;";

    private const string FusedBias = ".attn_qkv E G; .attn_qkv.bias G; .attn_output E E; .attn_output.bias E; .ffn_up.bias F; .ffn_down.bias E;";
    private const string SharedExpert = "moe:.ffn_gate_inp_shexp E; moe:.ffn_gate_shexp E SF; moe:.ffn_up_shexp E SF; moe:.ffn_down_shexp SF E;";

    private static readonly FrozenDictionary<string, TensorPlan> Plans = new Dictionary<string, TensorPlan>
    {
        ["llama"] = TensorPlan.Parse("rms rope", LikeLlama),
        ["mistral3"] = TensorPlan.Parse("rms rope", LikeLlama),
        ["granite"] = TensorPlan.Parse("rms rope", LikeLlama),
        ["granitemoe"] = TensorPlan.Parse("rms rope", LikeLlama),
        ["minicpm"] = TensorPlan.Parse("rms rope", LikeLlama),
        ["smollm3"] = TensorPlan.Parse("rms rope", Head + Norms + Wide + GatedFfn),
        ["exaone"] = TensorPlan.Parse("rms rope", Head + "?rope_freqs R2;" + Norms + Wide + GatedFfn),
        ["arcee"] = TensorPlan.Parse("rms rope", Head + "?rope_freqs R2;" + Norms + Wide + PlainFfn),
        ["ernie4_5"] = TensorPlan.Parse("rms rope", Head + Norms + "?.attn_output.bias E;" + Wide + GatedFfn),
        ["seed_oss"] = TensorPlan.Parse("rms rope", Head + ".attn_norm E; .post_attention_norm E;" + Wide + GatedFfn),
        ["qwen2"] = TensorPlan.Parse("rms rope full", Head + "?output.bias V;" + Norms + Full + GatedFfn),
        ["qwen3"] = TensorPlan.Parse("rms rope", Head + "?cls.output E C;" + Norms + QkNorm + "qkv Q W W; .attn_output Q E;" + GatedFfn),
        ["qwen2moe"] = TensorPlan.Parse("rms rope full", UntiedHead + Norms + Full + Moe + SharedExpert),
        ["qwen3moe"] = TensorPlan.Parse("rms rope", Head + Norms + QkNorm + "qkv Q W W; .attn_output Q E;" + Moe),
        ["olmoe"] = TensorPlan.Parse("rms rope full", UntiedHead + Norms + ".attn_q_norm E; .attn_k_norm E;" + Full
            + "moe:.ffn_gate_inp E X; moe:.ffn_gate_exps E F X; moe:.ffn_up_exps E F X; moe:.ffn_down_exps F E X;"),
        ["gemma"] = TensorPlan.Parse("rms", "token_embd E V; output_norm E;" + Norms + Wide + GatedFfn),
        ["gemma2"] = TensorPlan.Parse("rms",
            "token_embd E V; output_norm E;" + Norms + ".post_attention_norm E; .post_ffw_norm E;" + Wide + GatedFfn),
        ["gemma3"] = TensorPlan.Parse("rms", Head + Norms + QkNorm + ".post_attention_norm E; .post_ffw_norm E;" + Wide + GatedFfn),
        ["phi3"] = TensorPlan.Parse("rms full",
            Head + "?rope_factors_long R2; ?rope_factors_short R2;" + Norms + Full + ".ffn_up E F2; .ffn_down F E;"),
        ["phi2"] = TensorPlan.Parse("full",
            UntiedHead + "output_norm.bias E; output.bias V; .attn_norm E; .attn_norm.bias E; .attn_output.bias E;"
            + "qkv E W W; .attn_output E E; .ffn_up.bias F; .ffn_down.bias E;" + PlainFfn),
        ["olmo"] = TensorPlan.Parse("rope full", "token_embd E V; ?output E V;" + Full + GatedFfn),
        ["olmo2"] = TensorPlan.Parse("rms rope full",
            UntiedHead + Full + ".attn_q_norm E; .attn_k_norm K; .post_attention_norm E; .post_ffw_norm E;" + GatedFfn),
        ["internlm2"] = TensorPlan.Parse("rms rope full", UntiedHead + Norms + Full + GatedFfn),
        ["baichuan"] = TensorPlan.Parse("rms rope full", UntiedHead + Norms + Full + GatedFfn),
        ["xverse"] = TensorPlan.Parse("rms rope full", UntiedHead + Norms + Full + GatedFfn),
        ["orion"] = TensorPlan.Parse("rope full", UntiedHead + "output_norm.bias E;" + BiasNorms + Full + GatedFfn),
        ["lfm2"] = TensorPlan.Parse("rms full",
            "token_embd E V; token_embd_norm E; ?output E V; ?dense_2 E O; ?dense_2.bias O;" + Norms + GatedFfn
            + "attn:.attn_q_norm D; attn:.attn_k_norm D; attn:qkv E KL KL; attn:.attn_output E E;"
            + "conv:.shortconv.conv LC E; conv:.shortconv.in_proj E E3; conv:.shortconv.out_proj E E;"),
        ["starcoder2"] = TensorPlan.Parse("rope full",
            NormHead + BiasNorms + Full + ".attn_output.bias E; .ffn_up.bias F; .ffn_down.bias E;" + PlainFfn),
        ["stablelm"] = TensorPlan.Parse("full",
            UntiedHead + "output_norm.bias E; .attn_norm E; .attn_norm.bias E; ?.ffn_norm E; ?.ffn_norm.bias E;"
            + "?.attn_q_norm D H; ?.attn_k_norm D J;" + Full + GatedFfn),
        ["command-r"] = TensorPlan.Parse("full",
            "token_embd E V; output_norm E; .attn_norm E; deep:.attn_q_norm D H; deep:.attn_k_norm D J;" + Full + GatedFfn),
        ["cohere2"] = TensorPlan.Parse("full", "token_embd E V; output_norm E; .attn_norm E;" + Full + GatedFfn),
        ["nemotron"] = TensorPlan.Parse("full", UntiedHead + "output_norm.bias E;" + BiasNorms + Full
            + "?.attn_output.bias E; ?.ffn_up.bias F; ?.ffn_down.bias E;" + PlainFfn),
        ["falcon"] = TensorPlan.Parse("rope full", NormHead + ".attn_norm E; .attn_norm.bias E; ?.attn_norm_2 E; ?.attn_norm_2.bias E;"
            + ".attn_qkv E G; .attn_output E E;" + PlainFfn),
        ["gpt2"] = TensorPlan.Parse("full", NormHead + "position_embd E T;" + BiasNorms + FusedBias + PlainFfn),
        ["starcoder"] = TensorPlan.Parse("full", NormHead + "position_embd E T;" + BiasNorms + FusedBias + PlainFfn),
        ["gptneox"] = TensorPlan.Parse("full", UntiedHead + "output_norm.bias E;" + BiasNorms + FusedBias + PlainFfn),
        ["bloom"] = TensorPlan.Parse("full", NormHead + "token_embd_norm E; token_embd_norm.bias E;" + BiasNorms + FusedBias + PlainFfn),
        ["chatglm"] = TensorPlan.Parse("rms full", Head + Norms + "qkv Q K W; .attn_output E E; .ffn_up E F2; .ffn_down F E;"),
    }.ToFrozenDictionary();

    /// <summary>The plan of an architecture; null where only the form is checked.</summary>
    public static TensorPlan? For(string architecture) => Plans.GetValueOrDefault(architecture);
}
