using System.Collections.Frozen;
using InferenceHost.ModelFiles.Models;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>
/// The tables of the architectures whose conversion from Hugging Face is known row by row. Any other is refused: an adapter whose rows
/// lie in another order than the weight's would load and answer wrongly.
/// </summary>
internal static class PeftNames
{
    private const string Attention = "self_attn.q_proj attn_q; self_attn.k_proj attn_k; self_attn.v_proj attn_v;"
        + "self_attn.o_proj attn_output;";

    // The converter interleaves the halves of every query and key head.
    private const string PairedAttention = "self_attn.q_proj pairs:attn_q; self_attn.k_proj pairs:attn_k; self_attn.v_proj attn_v;"
        + "self_attn.o_proj attn_output;";

    // GLM-4 with sections in its RoPE: pairs become halves.
    private const string HalvedAttention = "self_attn.q_proj halves:attn_q; self_attn.k_proj halves:attn_k; self_attn.v_proj attn_v;"
        + "self_attn.o_proj attn_output;";

    private const string Mlp = "mlp.gate_proj ffn_gate; mlp.up_proj ffn_up; mlp.down_proj ffn_down;";
    private const string FusedMlp = "mlp.gate_up_proj ffn_up; mlp.down_proj ffn_down;";
    private const string SharedExpert = "mlp.shared_expert.gate_proj ffn_gate_shexp; mlp.shared_expert.up_proj ffn_up_shexp;"
        + "mlp.shared_expert.down_proj ffn_down_shexp;";

    private const string SharedExperts = "mlp.shared_experts.gate_proj ffn_gate_shexp; mlp.shared_experts.up_proj ffn_up_shexp;"
        + "mlp.shared_experts.down_proj ffn_down_shexp;";

    private const string SharedMlp = "mlp.shared_mlp.gate_proj ffn_gate_shexp; mlp.shared_mlp.up_proj ffn_up_shexp;"
        + "mlp.shared_mlp.down_proj ffn_down_shexp;";

    // Named so that the refusal can say why: the engine ignores adapters there, and kv_b is cut in two with the keys transposed.
    private const string Latent = "self_attn.q_proj attn_q; self_attn.q_a_proj attn_q_a; self_attn.q_b_proj attn_q_b;"
        + "self_attn.kv_a_proj_with_mqa attn_kv_a_mqa; self_attn.kv_b_proj attn_kv_b; self_attn.o_proj attn_output;";

    private const string FusedAttention = "self_attention.query_key_value group:attn_qkv; self_attention.dense attn_output;";
    private const string FourTimes = "mlp.dense_h_to_4h ffn_up; mlp.dense_4h_to_h ffn_down;";

    // Conv1D keeps its weight transposed (fan_in_fan_out), but PEFT's A and B are plain linear layers there too: nothing to turn.
    private const string Conv1D = "attn.c_attn attn_qkv; attn.c_proj attn_output; mlp.c_fc ffn_up; mlp.c_proj ffn_down;";

    private static readonly FrozenDictionary<string, PeftTable> Tables = All().ToFrozenDictionary(StringComparer.Ordinal);
    private static readonly PeftTable SectionedGlm4 = Llama(HalvedAttention + FusedMlp);

    /// <summary>The table for a model; null where adapters for its architecture cannot be imported.</summary>
    public static PeftTable? For(HyperParameters p) =>
        p.Architecture == "glm4" && p.Has("rope.dimension_sections") ? SectionedGlm4 : Tables.GetValueOrDefault(p.Architecture);

    private static Dictionary<string, PeftTable> All()
    {
        var all = new Dictionary<string, PeftTable>
        {
            ["llama4"] = Llama(Attention + "feed_forward.gate_proj ffn_gate; feed_forward.up_proj ffn_up; feed_forward.down_proj ffn_down;"
                + "feed_forward.shared_expert.gate_proj ffn_gate_shexp; feed_forward.shared_expert.up_proj ffn_up_shexp;"
                + "feed_forward.shared_expert.down_proj ffn_down_shexp;"),
            ["qwen2moe"] = Llama(Attention + Mlp + SharedExpert),
            ["deepseek"] = Llama(PairedAttention + Mlp + SharedExperts),
            ["deepseek2"] = Llama(Latent + Mlp + SharedExperts),
            ["glm4"] = Llama(Attention + FusedMlp),
            ["glm4moe"] = Llama(Attention + Mlp + SharedExperts),
            ["dots1"] = Llama(Attention + Mlp + SharedExperts),
            ["chatglm"] = ChatGlm(),
            ["hunyuan-moe"] = Llama(Attention + Mlp + SharedMlp),
            ["gpt-oss"] = Llama(Attention),
            ["phimoe"] = Llama(Attention),
            ["phi2"] = Llama("self_attn.q_proj attn_q; self_attn.k_proj attn_k; self_attn.v_proj attn_v; self_attn.dense attn_output;"
                + "mlp.fc1 ffn_up; mlp.fc2 ffn_down;"),
            ["phi3"] = Llama("self_attn.qkv_proj attn_qkv; self_attn.o_proj attn_output;" + FusedMlp),
            ["starcoder2"] = Llama(Attention + "mlp.c_fc ffn_up; mlp.c_proj ffn_down;"),
            ["lfm2"] = Llama("self_attn.q_proj attn_q; self_attn.k_proj attn_k; self_attn.v_proj attn_v; self_attn.out_proj attn_output;"
                + "feed_forward.w1 ffn_gate; feed_forward.w2 ffn_down; feed_forward.w3 ffn_up;"
                + "conv.in_proj shortconv.in_proj; conv.out_proj shortconv.out_proj;"),
            ["internlm2"] = Llama("attention.wqkv group:q:pairs:attn_q + group:k:pairs:attn_k + group:v:attn_v; attention.wo attn_output;"
                + "feed_forward.w1 ffn_gate; feed_forward.w2 ffn_down; feed_forward.w3 ffn_up;", "output"),
            ["baichuan"] = Llama("self_attn.W_pack q:pairs:attn_q + k:pairs:attn_k + v:attn_v; self_attn.o_proj attn_output;" + Mlp),
            ["ernie4_5"] = Llama(Attention + Mlp + "self_attn.qkv_proj q:attn_q + k:attn_k + v:attn_v;"
                + "mlp.up_gate_proj first:ffn_gate + second:ffn_up;"),
            ["exaone"] = PeftTable.Parse("attn.attention.q_proj attn_q; attn.attention.k_proj attn_k; attn.attention.v_proj attn_v;"
                + "attn.attention.out_proj attn_output; mlp.c_fc_0 ffn_gate; mlp.c_fc_1 ffn_up; mlp.c_proj ffn_down;",
                "lm_head", "transformer.h."),
            ["falcon"] = PeftTable.Parse(FusedAttention + FourTimes, "lm_head", "transformer.h."),
            ["bloom"] = PeftTable.Parse(FusedAttention + FourTimes, "lm_head", "transformer.h."),
            ["gptneox"] = PeftTable.Parse("attention.query_key_value group:attn_qkv; attention.dense attn_output;" + FourTimes, "embed_out",
                "gpt_neox.layers."),
            ["gpt2"] = PeftTable.Parse(Conv1D, "lm_head", "transformer.h."),
            ["starcoder"] = PeftTable.Parse(Conv1D, "lm_head", "transformer.h."),
            ["codeshell"] = PeftTable.Parse(Conv1D, "lm_head", "transformer.h."),

            // Its output matrix was scaled when it was converted.
            ["jais"] = PeftTable.Parse(Conv1D + "mlp.c_fc2 ffn_gate;", null, "transformer.h."),
            ["qwen"] = PeftTable.Parse("attn.c_attn attn_qkv; attn.c_proj attn_output;"
                + "mlp.w1 ffn_up; mlp.w2 ffn_gate; mlp.c_proj ffn_down;", "lm_head", "transformer.h."),
            ["mpt"] = PeftTable.Parse("attn.Wqkv attn_qkv; attn.out_proj attn_output; ffn.up_proj ffn_up; ffn.down_proj ffn_down;", null,
                "transformer.blocks."),
        };
        foreach (var name in new[] { "llama", "mistral3", "granite", "granitemoe", "arcee", "smollm3", "olmo", "minicpm", "deci",
            "xverse" })
            all.Add(name, Llama(PairedAttention + Mlp));
        foreach (var name in new[] { "qwen2", "qwen2vl", "qwen3", "qwen3vl", "qwen3moe", "gemma", "gemma2", "gemma3", "olmo2", "olmoe",
            "seed_oss", "stablelm", "command-r", "cohere2", "nemotron", "exaone4", "orion", "apertus", "hunyuan-dense" })
            all.Add(name, Llama(Attention + Mlp));
        return all;
    }

    private static PeftTable Llama(string modules, string head = "lm_head") => PeftTable.Parse(modules, head,
        "model.language_model.layers.", "language_model.model.layers.", "model.text_model.layers.", "model.layers.");

    // Two generations of the same model: transformers' own and the code that came with the weights.
    private static PeftTable ChatGlm() => PeftTable.Parse(Attention + FusedMlp
        + "self_attention.query_key_value attn_qkv; self_attention.dense attn_output;" + FourTimes, "lm_head", "model.layers.",
        "transformer.encoder.layers.");
}
