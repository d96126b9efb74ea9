namespace InferenceHost.ModelFiles.Models;

/// <summary>
/// What an architecture's file must hold. Written as text, one rule per entry: <c>[?][scope:][.]name dims…</c>, where a leading dot
/// means one tensor per layer, <c>?</c> optional, and a name without suffix ends in <c>.weight</c>. <c>qkv Q K V</c> stands for the
/// projection tensors, separate or fused.
/// </summary>
internal sealed class TensorPlan
{
    private TensorPlan(bool rootMeanSquare, bool ropeIsHead, bool fullWidth, IReadOnlyList<TensorRule> rules,
        IReadOnlyList<string[]> projections, RuleScope projectionScope)
    {
        RootMeanSquare = rootMeanSquare;
        RopeIsHead = ropeIsHead;
        FullWidth = fullWidth;
        Rules = rules;
        Projections = projections;
        ProjectionScope = projectionScope;
    }

    /// <summary>Whether the norm's epsilon is the RMS one.</summary>
    public bool RootMeanSquare { get; }

    /// <summary>Whether the graph insists on rotating whole heads.</summary>
    public bool RopeIsHead { get; }

    /// <summary>Whether the graph insists on heads x head size = embedding.</summary>
    public bool FullWidth { get; }

    public IReadOnlyList<TensorRule> Rules { get; }

    /// <summary>Symbols of the query, key and value widths; empty where the plan has none.</summary>
    public IReadOnlyList<string[]> Projections { get; }

    public RuleScope ProjectionScope { get; }

    public static TensorPlan Parse(string flags, string text)
    {
        var rules = new List<TensorRule>();
        var projections = new List<string[]>();
        var projectionScope = RuleScope.Always;
        foreach (var entry in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var words = entry.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var name = words[0].TrimStart('?');
            var colon = name.IndexOf(':', StringComparison.Ordinal);
            var scope = colon < 0 ? RuleScope.Always : ScopeOf(name[..colon]);
            name = name[(colon + 1)..];
            if (name == "qkv")
            {
                projections.Add(words[1..]);
                projectionScope = scope;
                continue;
            }

            var layer = name[0] == '.';
            name = layer ? name[1..] : name;
            if (!name.EndsWith(".bias", StringComparison.Ordinal) && !name.EndsWith(".scales", StringComparison.Ordinal))
                name += ".weight";
            rules.Add(new TensorRule(name, layer, words[0][0] != '?', scope, words[1..]));
        }

        return new TensorPlan(flags.Contains("rms", StringComparison.Ordinal), flags.Contains("rope", StringComparison.Ordinal),
            flags.Contains("full", StringComparison.Ordinal), rules, projections, projectionScope);
    }

    /// <summary>Whether a rule of this scope holds in a layer of a model.</summary>
    public static bool Applies(RuleScope scope, HyperParameters p, int layer) => scope switch
    {
        RuleScope.Dense => p.Experts == 0,
        RuleScope.Experts => p.Experts > 0,
        RuleScope.Attention => p.HeadsKv[layer] > 0,
        RuleScope.Recurrent => p.HeadsKv[layer] == 0,
        RuleScope.LongRope => p.RopeScaling == "longrope",
        RuleScope.PlainRope => p.RopeScaling != "longrope",
        RuleScope.Deep => p.Layers - p.PredictLayers >= 64,
        _ => true,
    };

    private static RuleScope ScopeOf(string word) => word switch
    {
        "dense" => RuleScope.Dense,
        "moe" => RuleScope.Experts,
        "attn" => RuleScope.Attention,
        "conv" => RuleScope.Recurrent,
        "long" => RuleScope.LongRope,
        "plain" => RuleScope.PlainRope,
        "deep" => RuleScope.Deep,
        _ => throw new ArgumentException($"unknown scope '{word}'", nameof(word)),
    };
}
