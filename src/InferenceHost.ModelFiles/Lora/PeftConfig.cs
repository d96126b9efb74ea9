using System.Text;
using System.Text.Json;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>
/// <c>adapter_config.json</c> of PEFT, as far as it decides what an adapter means. Variants of LoRA that change more than a sum of products
/// are refused by name.
/// </summary>
internal sealed class PeftConfig
{
    private const int MaxBytes = 4 << 20;
    private const string Remedy = "PEFT writes this field: correct it, or save the adapter again.";
    private readonly string _path;
    private readonly PeftPatterns _ranks;
    private readonly PeftPatterns _alphas;

    private PeftConfig(string path, JsonElement root)
    {
        _path = path;
        (_ranks, _alphas) = (new PeftPatterns(path, "rank_pattern"), new PeftPatterns(path, "alpha_pattern"));
        CheckVariant(root);
        Rank = ReadRank(Find(root, "r"), "r");
        Alpha = ReadAlpha(Find(root, "lora_alpha"), "lora_alpha");
        RankStabilised = IsTrue(root, "use_rslora");
        if ((float)PlainAlpha >= 1e6f)
            throw new ModelFileException(path, "lora_alpha", $"{Alpha} * sqrt({Rank}), as use_rslora is true", "below 1e6", Remedy);
        foreach (var entry in Entries(root, "rank_pattern"))
            _ranks.Add(entry.Name, ReadRank(entry.Value, $"rank_pattern '{entry.Name}'"));
        foreach (var entry in Entries(root, "alpha_pattern"))
            _alphas.Add(entry.Name, ReadAlpha(entry.Value, $"alpha_pattern '{entry.Name}'"));
    }

    public int Rank { get; }

    public double Alpha { get; }

    /// <summary>Whether pairs are scaled by alpha / sqrt(r) instead of alpha / r.</summary>
    public bool RankStabilised { get; }

    /// <summary>The alpha that gives the trained strength under a scale of alpha / r.</summary>
    public double PlainAlpha => RankStabilised ? Alpha * Math.Sqrt(Rank) : Alpha;

    /// <exception cref="ModelFileException">The file cannot be read, is malformed, or describes something other than plain
    /// LoRA.</exception>
    public static PeftConfig Read(string path)
    {
        using var file = MappedFile.Open(path, 2);
        if (file.Length > MaxBytes)
            throw new ModelFileException(path, "file length", $"{file.Length} bytes", $"at most {MaxBytes} bytes",
                "Name a folder as PEFT writes it.");
        var text = file.Span(0, (int)file.Length).ToArray();

        // Editors on Windows put a byte order mark in front.
        var json = text.AsMemory(text.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0);
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 32 });
            return new PeftConfig(path, document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ModelFileException(path, FieldOfError(json.Span), error.Message.TrimEnd('.'),
                "JSON in UTF-8, without NaN, Infinity and names that occur twice", "Save the adapter again.", null, error);
        }
    }

    /// <summary>Rank that the configuration gives a module (<c>model.layers.0.self_attn.q_proj</c>).</summary>
    public int RankOf(string module) => (int)_ranks.Find(module, Rank);

    /// <summary>The module's alpha under a scale of alpha / r.</summary>
    public double PlainAlphaOf(string module) => _alphas.Find(module, Alpha) * (RankStabilised ? Math.Sqrt(RankOf(module)) : 1);

    private void CheckVariant(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Wrong("adapter_config.json", root, "an object with the fields of PEFT");
        if (Find(root, "peft_type") is var type && !IsText(type, "LORA"))
            throw Variant("peft_type", type, "\"LORA\"");
        foreach (var name in new[] { "use_dora", "lora_bias", "use_qalora" })
        {
            if (IsTrue(root, name))
                throw Variant(name, Find(root, name), "false");
        }

        foreach (var name in new[] { "modules_to_save", "trainable_token_indices", "layer_replication", "alora_invocation_tokens",
            "target_parameters", "use_bdlora", "kasa_config", "arrow_config", "monteclora_config", "velora_config" })
        {
            if (Find(root, name) is var value && IsSet(value))
                throw Variant(name, value, "null");
        }

        if (Find(root, "bias") is { ValueKind: not JsonValueKind.Undefined } bias && !IsText(bias, "none"))
            throw Variant("bias", bias, "\"none\"");

        // These start from a decomposition of the base weights and leave the base changed: the saved pairs are no sum on top of the
        // published model.
        var start = Find(root, "init_lora_weights");
        if (start.ValueKind is JsonValueKind.Number or JsonValueKind.Array or JsonValueKind.Object
            || Show(start).Trim('"').Split('_')[0] is "pissa" or "olora" or "corda" or "loftq" or "lora")
            throw Variant("init_lora_weights", start, "true, false, \"gaussian\", \"eva\" or \"orthogonal\"");
    }

    // A whole number may be written as 8.0.
    private int ReadRank(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Number && value.GetDouble() is >= 1 and <= LoraValidator.MaxRank and var rank
        && double.IsInteger(rank)
            ? (int)rank : throw Wrong(field, value, $"a whole number, 1 to {LoraValidator.MaxRank}");

    private double ReadAlpha(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Number && (float)value.GetDouble() is > 0 and < 1e6f
            ? value.GetDouble() : throw Wrong(field, value, "a number above 0, below 1e6");

    private bool IsTrue(JsonElement root, string field)
    {
        var value = Find(root, field);
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined => false,
            _ => throw Wrong(field, value, "true or false"),
        };
    }

    private IEnumerable<JsonProperty> Entries(JsonElement root, string field)
    {
        var value = Find(root, field);
        return value.ValueKind switch
        {
            JsonValueKind.Object => value.EnumerateObject(),
            JsonValueKind.Null or JsonValueKind.Undefined => [],
            _ => throw Wrong(field, value, "an object of names and numbers"),
        };
    }

    private static JsonElement Find(JsonElement root, string field) => root.TryGetProperty(field, out var value) ? value : default;

    private static bool IsText(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    private static bool IsSet(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        _ => true,
    };

    // The property in which the text stops being JSON.
    private static string FieldOfError(ReadOnlySpan<byte> json)
    {
        const string whole = "adapter_config.json";
        var field = whole;
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName)
                    field = reader.GetString()!;
            }

            return whole;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return field;
        }
    }

    // As it stands in the file, as far as a message has room for it.
    private static string Show(JsonElement value)
    {
        const int most = 80;
        var text = value.ValueKind == JsonValueKind.Undefined ? "nothing" : value.GetRawText();
        return text.Length <= most ? text : $"{text[..most]}…";
    }

    private ModelFileException Wrong(string field, JsonElement found, string allowed) => new(_path, field, Show(found), allowed, Remedy);

    private ModelFileException Variant(string field, JsonElement found, string allowed) =>
        new(_path, field, Show(found), allowed, "Only plain LoRA can be imported; train or export the adapter without this option.");
}
