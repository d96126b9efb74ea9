using System.Collections.Frozen;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>The types that the engine insists on for keys that it reads, whether they are needed or not.</summary>
internal static class KeyTypes
{
    private static readonly FrozenDictionary<string, GgufValueType> Architecture = Table(
        GgufValueType.UInt32,
        [
            "vocab_size", "context_length", "embedding_length", "embedding_length_out", "block_count", "leading_dense_block_count",
                "expert_shared_feed_forward_length",
            "expert_count", "expert_shared_count", "expert_group_count", "expert_group_used_count", "expert_gating_func",
                "nextn_predict_layers", "pooling_type",
            "attention.key_length", "attention.value_length", "attention.key_length_swa", "attention.value_length_swa",
                "attention.key_length_mla", "attention.value_length_mla",
            "attention.q_lora_rank", "attention.kv_lora_rank", "attention.sliding_window", "attention.temperature_length",
                "rope.dimension_count", "rope.dimension_count_swa",
            "rope.scaling.original_context_length", "ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.time_step_rank",
                "ssm.group_count", "wkv.head_size", "shortconv.l_cache",
        ]).Concat(Table(
        GgufValueType.Float32,
        [
            "expert_weights_scale", "logit_scale", "residual_scale", "embedding_scale", "attention.scale", "attention.clamp_kqv",
                "attention.max_alibi_bias",
            "attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "attention.group_norm_epsilon", "attn_logit_softcapping",
                "final_logit_softcapping",
            "router_logit_softcapping", "attention.temperature_scale", "rope.freq_base", "rope.freq_base_swa", "rope.scale_linear",
                "rope.scaling.factor", "rope.scaling.attn_factor",
            "rope.scaling.alpha", "rope.scaling.yarn_log_multiplier", "rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor",
                "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
        ])).Concat(Table(GgufValueType.Bool, ["attention.causal", "expert_weights_norm", "rope.scaling.finetuned", "use_parallel_residual",
            "ssm.dt_b_c_rms"]))
        .Concat(Table(GgufValueType.String, ["rope.scaling.type"])).ToFrozenDictionary();

    private static readonly FrozenDictionary<string, GgufValueType> Global = Table(
        GgufValueType.UInt32,
        ["general.file_type", "tokenizer.ggml.token_type_count"])
        .Concat(Table(GgufValueType.Bool, ["tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_sep_token",
            "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces"]))
        .Concat(Table(GgufValueType.String, ["general.name", "tokenizer.ggml.model", "tokenizer.ggml.pre"])).ToFrozenDictionary();

    /// <summary>Refuses a known key of another type, naming both.</summary>
    public static void Check(GgufFile file, string architecture)
    {
        foreach (var value in file.Values)
        {
            var key = value.Key;
            var own = key.Length > architecture.Length && key[architecture.Length] == '.'
                && key.StartsWith(architecture, StringComparison.Ordinal);
            var known = own ? Architecture.TryGetValue(key[(architecture.Length + 1)..], out var type) : Global.TryGetValue(key, out type);
            if (known && value.Type != type)
                throw Bad(file, value, $"type {type}");
            if (key == "tokenizer.ggml.suppress_tokens" && (!value.IsArray || value.ElementType != GgufValueType.Int32))
                throw Bad(file, value, "an array of Int32");
            if (own && key.EndsWith(".sliding_window_pattern", StringComparison.Ordinal) && !IsPattern(value))
                throw Bad(file, value, "a UInt32, or an array of at most 512 Bool or 32-bit integers");
        }
    }

    private static bool IsPattern(GgufValue value) => value.IsArray
        ? value is { Count: <= HyperParameters.MaxLayers, ElementType: GgufValueType.Bool or GgufValueType.UInt32 or GgufValueType.Int32 }
        : value.Type == GgufValueType.UInt32;

    private static ModelFileException Bad(GgufFile file, GgufValue value, string allowed) =>
        new(file.Path, value.Key, value.IsArray ? $"an array of {value.Count} {value.ElementType}" : $"type {value.Type}", allowed,
            "Convert the model again.", value.Offset);

    private static Dictionary<string, GgufValueType> Table(GgufValueType type, string[] names) =>
        names.ToDictionary(name => name, _ => type);
}
