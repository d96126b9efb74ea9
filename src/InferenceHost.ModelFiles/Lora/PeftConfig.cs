using System.Text.Json;
using System.Text.RegularExpressions;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>
/// <c>adapter_config.json</c> of PEFT, as far as it decides what an adapter means. Variants of LoRA that change more than a sum of products
/// are refused by name.
/// </summary>
internal sealed class PeftConfig
{
    private const int MaxBytes = 4 << 20;
    private static readonly TimeSpan PatternTime = TimeSpan.FromMilliseconds(100);
    private readonly string _path;
    private readonly List<(Regex Pattern, double Value)> _ranks = [];
    private readonly List<(Regex Pattern, double Value)> _alphas = [];

    private PeftConfig(string path) => _path = path;

    public int Rank { get; private set; }

    public double Alpha { get; private set; }

    /// <summary>Whether pairs are scaled by alpha / sqrt(r) instead of alpha / r.</summary>
    public bool RankStabilised { get; private set; }

    /// <summary>The alpha that gives the trained strength under a scale of alpha / r.</summary>
    public double PlainAlpha => RankStabilised ? Alpha * Math.Sqrt(Rank) : Alpha;

    /// <exception cref="ModelFileException">The file cannot be read, is malformed, or describes something other than plain
    /// LoRA.</exception>
    public static PeftConfig Read(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists || info.Length > MaxBytes)
                throw new ModelFileException(path, "file", info.Exists ? $"{info.Length} bytes" : "nothing",
                    $"a JSON file of at most {MaxBytes} bytes", "Name a folder as PEFT writes it.");
            using var json = JsonDocument.Parse(File.ReadAllBytes(path),
                new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 32 });
            var config = new PeftConfig(path);
            config.Read(json.RootElement);
            return config;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ModelFileException(path, "adapter_config.json", error.Message, "a PEFT configuration", "Save the adapter again.",
                null, error);
        }
    }

    /// <summary>Rank that the configuration gives a module (<c>model.layers.0.self_attn.q_proj</c>).</summary>
    public int RankOf(string module) => (int)Lookup(_ranks, module, Rank);

    /// <summary>The module's alpha under a scale of alpha / r.</summary>
    public double PlainAlphaOf(string module) => Lookup(_alphas, module, Alpha) * (RankStabilised ? Math.Sqrt(RankOf(module)) : 1);

    private void Read(JsonElement root)
    {
        var type = root.TryGetProperty("peft_type", out var stated) ? stated.GetString() : null;
        if (type != "LORA")
            throw Bad("peft_type", type ?? "nothing", "LORA");
        foreach (var name in new[] { "use_dora", "lora_bias", "use_qalora" })
        {
            if (root.TryGetProperty(name, out var flag) && flag.ValueKind == JsonValueKind.True)
                throw Bad(name, "true", "false");
        }

        foreach (var name in new[] { "modules_to_save", "trainable_token_indices", "layer_replication", "alora_invocation_tokens",
            "target_parameters", "use_bdlora", "kasa_config", "arrow_config", "monteclora_config", "velora_config" })
        {
            if (root.TryGetProperty(name, out var value) && IsSet(value))
                throw Bad(name, value.GetRawText(), "null");
        }

        if (root.TryGetProperty("bias", out var bias) && bias.GetString() is not "none")
            throw Bad("bias", bias.GetRawText(), "\"none\"");

        // These start from a decomposition of the base weights and leave the base changed: the saved pairs are no sum on top of the
        // published model.
        if (root.TryGetProperty("init_lora_weights", out var start) && start.ValueKind == JsonValueKind.String
            && start.GetString()!.Split('_')[0] is "pissa" or "olora" or "corda" or "loftq" or "lora")
        {
            throw Bad("init_lora_weights", start.GetRawText(), "true, false, \"gaussian\", \"eva\" or \"orthogonal\"");
        }

        Rank = root.GetProperty("r").GetInt32();
        Alpha = root.GetProperty("lora_alpha").GetDouble();
        if (Rank is < 1 or > LoraValidator.MaxRank)
            throw Bad("r", $"{Rank}", $"1 to {LoraValidator.MaxRank}");
        if (Alpha is not (> 0 and < 1e6))
            throw Bad("lora_alpha", $"{Alpha}", "above 0, below 1e6");
        RankStabilised = root.TryGetProperty("use_rslora", out var stable) && stable.ValueKind == JsonValueKind.True;
        ReadPattern(root, "rank_pattern", _ranks, LoraValidator.MaxRank);
        ReadPattern(root, "alpha_pattern", _alphas, 1e6);
    }

    private void ReadPattern(JsonElement root, string name, List<(Regex, double)> into, double max)
    {
        if (!root.TryGetProperty(name, out var pattern) || pattern.ValueKind != JsonValueKind.Object)
            return;
        foreach (var entry in pattern.EnumerateObject())
        {
            var value = entry.Value.GetDouble();
            if (!(value > 0 && value <= max))
                throw Bad($"{name}.{entry.Name}", $"{value}", $"above 0, at most {max}");
            into.Add((new Regex($"^(.*\\.)?({entry.Name})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, PatternTime),
                value));
        }
    }

    private static double Lookup(List<(Regex Pattern, double Value)> table, string module, double missing)
    {
        foreach (var (pattern, value) in table)
        {
            if (pattern.IsMatch(module))
                return value;
        }

        return missing;
    }

    private static bool IsSet(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        _ => true,
    };

    private ModelFileException Bad(string field, string found, string allowed) =>
        new(_path, field, found, allowed, "Only plain LoRA can be imported; train or export the adapter without this option.");
}
