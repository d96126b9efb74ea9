using System.Globalization;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>The architecture's numbers, read with the types the engine insists on and checked against the bounds behind which it stops the
/// process.</summary>
internal sealed class HyperParameters
{
    /// <summary>Compile-time bound of the engine.</summary>
    public const int MaxLayers = 512;

    /// <summary>Compile-time bound of the engine.</summary>
    public const int MaxExperts = 1024;

    private const int MaxHeads = 65_536;
    private const int MaxWidth = 1 << 24;
    private const int MaxContext = 1 << 28;
    private readonly GgufFile _file;

    private HyperParameters(GgufFile file, string architecture)
    {
        _file = file;
        Architecture = architecture;
    }

    public string Architecture { get; }

    public int ContextLength { get; private set; }

    public int Embedding { get; private set; }

    public int Layers { get; private set; }

    /// <summary>Layers of the trailing multi-token prediction head, part of <see cref="Layers"/>.</summary>
    public int PredictLayers { get; private set; }

    public int[] Heads { get; private set; } = [];

    public int[] HeadsKv { get; private set; } = [];

    public int[] FeedForward { get; private set; } = [];

    public int KeyLength { get; private set; }

    public int ValueLength { get; private set; }

    public int RopeDimensions { get; private set; }

    public int Experts { get; private set; }

    public int ExpertsUsed { get; private set; }

    public string RopeScaling { get; private set; } = "linear";

    public static HyperParameters Read(GgufFile file, string architecture)
    {
        var p = new HyperParameters(file, architecture);
        p.CheckEveryNumber();
        p.ReadCore();
        p.ReadHeads();
        p.ReadExperts();
        p.CheckNormsAndRope();
        return p;
    }

    /// <summary>An optional UInt32 of this architecture.</summary>
    public int Optional(string name, int missing, int min, int max) =>
        _file.TryGetUInt32($"{Architecture}.{name}", out var n) ? Within(name, n, min, max) : missing;

    /// <summary>A required UInt32 of this architecture.</summary>
    public int Required(string name, int min, int max) =>
        _file.TryGetUInt32($"{Architecture}.{name}", out var n)
            ? Within(name, n, min, max)
            : throw Bad(name, "nothing", $"{min} to {max}", "The key is missing; convert the model again.");

    public bool Has(string name) => _file.TryGetValue($"{Architecture}.{name}", out _);

    /// <summary>One number per layer: an array of as many, or one number for all.</summary>
    public int[] PerLayer(string name, int missing, int max)
    {
        var key = $"{Architecture}.{name}";
        var all = new int[Layers];
        if (!_file.TryGetValue(key, out var value))
        {
            Array.Fill(all, missing);
            return all;
        }

        if (!value.IsArray)
        {
            Array.Fill(all, Required(name, 0, max));
            return all;
        }

        if (value.ElementType is not (GgufValueType.UInt32 or GgufValueType.Int32))
            throw Bad(name, $"an array of {value.ElementType}", "an array of 32-bit integers", "Convert the model again.");
        if (value.Count != Layers)
            throw Bad(name, $"{value.Count} numbers", $"{Layers}, one per layer", "Convert the model again.");
        var numbers = _file.Numbers<uint>(value);
        for (var i = 0; i < Layers; i++)
            all[i] = Within($"{name}[{i}]", numbers[i], 0, max);
        return all;
    }

    public ModelFileException Bad(string name, string found, string allowed, string remedy)
    {
        var key = $"{Architecture}.{name}";
        var bracket = key.IndexOf('[', StringComparison.Ordinal);
        long? offset = _file.TryGetValue(bracket < 0 ? key : key[..bracket], out var value) ? value.Offset : null;
        return new ModelFileException(_file.Path, key, found, allowed, remedy, offset);
    }

    private void ReadCore()
    {
        ContextLength = Required("context_length", 1, MaxContext);
        Embedding = Required("embedding_length", 1, MaxWidth);
        Layers = Required("block_count", 1, MaxLayers);
        PredictLayers = Optional("nextn_predict_layers", 0, 0, Layers - 1);
        Optional("pooling_type", 0, 0, 4);
        Optional("attention.sliding_window", 0, 0, 1 << 24);
        if (_file.TryGetBoolean($"{Architecture}.attention.causal", out var causal) && !causal)
            throw Bad("attention.causal", "false", "true", "A model without causal attention cannot be decoded token by token.");
        FeedForward = PerLayer("feed_forward_length", 0, MaxWidth);
    }

    private void ReadHeads()
    {
        Heads = PerLayer("attention.head_count", 0, MaxHeads);
        HeadsKv = Has("attention.head_count_kv") ? PerLayer("attention.head_count_kv", 0, MaxHeads) : [.. Heads];
        for (var i = 0; i < Layers; i++)
        {
            if (HeadsKv[i] > 0 && Heads[i] % HeadsKv[i] != 0)
                throw Bad("attention.head_count_kv", $"{HeadsKv[i]} in layer {i}", $"a divisor of the head count {Heads[i]}",
                    "Convert the model again.");
        }

        if (Heads[0] == 0)
            return;
        var size = Embedding / Heads[0];
        KeyLength = Optional("attention.key_length", size, 1, MaxHeads);
        ValueLength = Optional("attention.value_length", size, 1, MaxHeads);
        if (KeyLength == 0 || ValueLength == 0)
            throw Bad("attention.head_count", $"{Heads[0]}", $"at most the embedding length {Embedding}", "Convert the model again.");
        RopeDimensions = Optional("rope.dimension_count", KeyLength, 0, MaxHeads);
    }

    private void ReadExperts()
    {
        Experts = Optional("expert_count", 0, 0, MaxExperts);
        ExpertsUsed = PerLayer("expert_used_count", 0, MaxExperts).Max();
        var groups = Optional("expert_group_count", 0, 0, MaxExperts);
        var groupsUsed = Optional("expert_group_used_count", 0, 0, MaxExperts);
        Optional("expert_gating_func", 0, 0, 4);
        var single = Architecture is "hunyuan_vl" or "hunyuan-dense" && Experts <= 1;
        if (single)
            (Experts, ExpertsUsed) = (0, 0);
        if (ExpertsUsed > Experts || (Experts > 0 && ExpertsUsed == 0))
            throw Bad("expert_used_count", $"{ExpertsUsed}", Experts == 0 ? "0 (the model has no experts)" : $"1 to {Experts}",
                "Convert the model again.");
        if (groups > 0 && groups >= Experts)
            throw Bad("expert_group_count", $"{groups}", $"less than the expert count {Experts}", "Convert the model again.");
        if (groups > 1 && (Experts % groups != 0 || groupsUsed == 0 || groupsUsed >= groups))
            throw Bad("expert_group_used_count", $"{groupsUsed} of {groups} groups",
                $"1 to {groups - 1}, and groups that divide {Experts} experts", "Convert the model again.");
    }

    private void CheckNormsAndRope()
    {
        foreach (var name in new[] { "attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon", "attention.group_norm_epsilon" })
        {
            if (_file.TryGetSingle($"{Architecture}.{name}", out var epsilon) && epsilon is not (>= 0 and <= 1))
                throw Bad(name, Text(epsilon), "0 to 1", "Convert the model again.");
        }

        foreach (var name in new[] { "rope.freq_base", "rope.freq_base_swa" })
        {
            if (_file.TryGetSingle($"{Architecture}.{name}", out var b) && b is not (> 0 and <= 1e12f))
                throw Bad(name, Text(b), "above 0, at most 1e12", "Convert the model again.");
        }

        foreach (var name in new[] { "rope.scaling.factor", "rope.scale_linear" })
        {
            if (_file.TryGetSingle($"{Architecture}.{name}", out var scale) && scale is not (>= 0 and <= 1e6f))
                throw Bad(name, Text(scale), "0 to 1e6", "Convert the model again.");
        }

        if (_file.TryGetString($"{Architecture}.rope.scaling.type", out var type))
            RopeScaling = type;
        if (RopeScaling is not ("none" or "linear" or "yarn" or "longrope"))
            throw Bad("rope.scaling.type", $"'{RopeScaling}'", "none, linear, yarn or longrope", "Convert the model again.");
        if (Has("rope.dimension_count") && (RopeDimensions > KeyLength || RopeDimensions % 2 != 0))
            throw Bad("rope.dimension_count", $"{RopeDimensions}", $"an even number up to the head size {KeyLength}",
                "Convert the model again.");
    }

    // What a graph computes from these numbers is not known for every architecture; none of them survives NaN or a negative count.
    private void CheckEveryNumber()
    {
        foreach (var value in _file.Values)
        {
            if (!value.Key.StartsWith(Architecture, StringComparison.Ordinal) || value.Key.Length <= Architecture.Length
                || value.Key[Architecture.Length] != '.')
                continue;
            var name = value.Key[(Architecture.Length + 1)..];
            if (value.Type == GgufValueType.Float32 && _file.TryGetSingle(value.Key, out var single) && !float.IsFinite(single))
                throw Bad(name, Text(single), "a finite number", "Convert the model again.");
            if (value.Type == GgufValueType.UInt32 && _file.TryGetUInt32(value.Key, out var n) && n > int.MaxValue
                && !name.EndsWith("token_id", StringComparison.Ordinal))
                throw Bad(name, $"{n}", $"at most {int.MaxValue}", "Convert the model again.");
            if (value is { IsArray: true, ElementType: GgufValueType.Float32, Count: <= MaxLayers })
            {
                foreach (var number in _file.Numbers<float>(value))
                {
                    if (!float.IsFinite(number))
                        throw Bad(name, Text(number), "finite numbers", "Convert the model again.");
                }
            }
        }
    }

    private int Within(string name, uint n, int min, int max) =>
        n >= (uint)min && n <= (uint)max ? (int)n : throw Bad(name, $"{n}", $"{min} to {max}", "Convert the model again.");

    private static string Text(float number) => number.ToString(CultureInfo.InvariantCulture);
}
