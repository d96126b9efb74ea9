using System.Collections.Frozen;

namespace InferenceHost.ModelFiles.Models;

/// <summary>Values of <c>tokenizer.ggml.pre</c> that llama.cpp v0.5.0 knows; it refuses a byte-pair vocabulary with any other.</summary>
internal static class PreTokenizers
{
    private static readonly FrozenSet<string> Known = FrozenSet.ToFrozenSet(
    [
        "a.x-4.0", "afmoe", "bailingmoe", "bailingmoe2", "bloom", "chameleon", "chatglm-bpe", "codeshell", "cohere2moe", "command-r",
            "dbrx",
        "deepseek-coder", "deepseek-llm", "deepseek-r1-qwen", "deepseek-v3", "default", "exaone", "exaone-moe", "exaone4", "f2llmv2",
            "falcon",
        "falcon-h1", "falcon3", "gemma4", "gigachat", "glm4", "gpt-2", "gpt-4o", "gpt3-finnish", "granite-docling",
            "granite-embed-multi-311m",
        "granite-embed-multi-97m", "grok-2", "hunyuan", "hunyuan-dense", "hy_v4", "jais", "jais-2", "jina-de", "jina-es", "jina-v1-en",
            "jina-v2-code",
        "jina-v2-de", "jina-v2-es", "jina-v5-nano", "joyai-llm", "kanana2", "kimi-k2", "kormo", "laguna", "lfm2", "llada-moe", "llama-bpe",
            "llama-v3",
        "llama3", "llama4", "megrez", "mellum", "mellum2", "midm-2.0", "minerva-7b", "minicpm5", "minimax-m2", "modern-bert", "mpt",
            "olmo", "phi-2",
        "pixtral", "poro-chat", "qwen2", "qwen35", "refact", "roberta-bpe", "sarvam-moe", "seed-coder", "smaug-bpe", "smollm",
            "solar-open", "spark2_5",
        "stablelm2", "starcoder", "superbpe", "talkie", "tekken", "tiny_aya", "trillion", "ufakzeka", "viking", "whitespace", "youtu",
    ]);

    // Those that put the beginning-of-text token in front unless the file says otherwise.
    private static readonly FrozenSet<string> Begin = FrozenSet.ToFrozenSet(
        ["llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano", "tekken", "chameleon",
            "gemma4", "granite-embed-multi-311m"]);

    public static bool IsKnown(string name) => Known.Contains(name);

    public static bool AddsBegin(string name) => Begin.Contains(name);
}
