using System.Collections.Frozen;

namespace InferenceHost.ModelFiles.Models;

/// <summary>The architecture names that llama.cpp v0.5.0 knows, and which of them generate text.</summary>
public static class Architectures
{
    private static readonly FrozenSet<string> Generative = FrozenSet.ToFrozenSet(
    [
        "llama", "llama4", "deci", "falcon", "grok", "gpt2", "gptneox", "mpt", "baichuan", "starcoder", "refact", "bloom", "stablelm",
        "qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen3moe", "qwen3next", "qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe",
            "qwen4exp",
        "phi2", "phi3", "phimoe", "plamo", "plamo2", "plamo3", "codeshell", "orion", "internlm2", "minicpm", "minicpm3",
        "gemma", "gemma2", "gemma3", "gemma3n", "gemma4", "starcoder2", "mamba", "mamba2", "maple", "jamba", "falcon-h1", "xverse",
        "command-r", "cohere2", "cohere2moe", "dbrx", "olmo", "olmo2", "olmoe", "muse-glimmer", "openelm", "arctic",
        "deepseek", "deepseek2", "deepseek2-ocr", "deepseek32", "deepseek4", "chatglm", "glm4", "glm4moe", "glm-dsa", "bitnet",
        "jais", "jais2", "nemotron", "nemotron_h", "nemotron_h_moe", "exaone", "exaone4", "exaone-moe", "rwkv6", "rwkv6qwen2", "rwkv7",
            "arwkv7",
        "granite", "granitemoe", "granitehybrid", "graniteswitch", "granite_swa", "chameleon", "plm", "bailingmoe", "bailingmoe2",
            "bailingmoe3",
        "dots1", "dots3note", "arcee", "afmoe", "laguna", "ernie4_5", "ernie4_5-moe", "hunyuan-moe", "hunyuan-dense", "hunyuan_vl",
            "hy_v3", "hy_v4",
        "smollm3", "gpt-oss", "lfm2", "lfm2moe", "smallthinker", "seed_oss", "grovemoe", "apertus", "minimax-01", "hrm_text", "minimax-m2",
            "minimax-m3",
        "cogvlm", "pangu-embedded", "mistral3", "mistral4", "paddleocr", "mimo2", "step35", "spark2_5", "maincoder", "kimi-linear",
            "kimi-k3",
        "talkie", "mellum", "nanbeige",
    ]);

    private static readonly FrozenDictionary<string, string> Refused = new Dictionary<string, string>
    {
        ["clip"] = "an image encoder (a projector file beside a model)",
        ["bert"] = Encoder,
        ["modern-bert"] = Encoder,
        ["nomic-bert"] = Encoder,
        ["nomic-bert-moe"] = Encoder,
        ["neo-bert"] = Encoder,
        ["jina-bert-v2"] = Encoder,
        ["jina-bert-v3"] = Encoder,
        ["eurobert"] = Encoder,
        ["gemma-embedding"] = Encoder,
        ["llama-embed"] = Encoder,
        ["t5encoder"] = Encoder,
        ["t5"] = "an encoder-decoder model",
        ["wavtokenizer-dec"] = Speech,
        ["qwen3tts"] = Speech,
        ["pockettts"] = Speech,
        ["dream"] = Diffusion,
        ["llada"] = Diffusion,
        ["llada-moe"] = Diffusion,
        ["rnd1"] = Diffusion,
        ["gemma4-assistant"] = Draft,
        ["eagle3"] = Draft,
        ["dflash"] = Draft,
        ["gptj"] = "known by name only: the engine has no graph for it",
    }.ToFrozenDictionary();

    private const string Encoder = "an embedding model";
    private const string Speech = "a speech model";
    private const string Diffusion = "a diffusion language model (no token by token decoding)";
    private const string Draft = "a draft head that belongs to another model";

    /// <summary>Names of all architectures that can be served, sorted.</summary>
    public static IReadOnlyList<string> Served { get; } = [.. Generative.Order(StringComparer.Ordinal)];

    /// <summary>Whether the engine generates text with this architecture.</summary>
    public static bool IsServed(string name) => Generative.Contains(name);

    /// <summary>Why an architecture that the engine's loader knows is not served; null for unknown names.</summary>
    public static string? WhyRefused(string name) => Refused.GetValueOrDefault(name);
}
