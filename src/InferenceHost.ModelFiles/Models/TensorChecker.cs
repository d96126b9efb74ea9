using System.Globalization;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>Compares a model's tensors with its hyper-parameters: for every architecture the form, for the common ones every name and
/// shape.</summary>
internal sealed class TensorChecker(ModelParts parts, HyperParameters p, int vocabulary)
{
    // The few tensors that hold indices; no architecture with a plan has them.
    private static readonly string[] IntegerTables = ["ffn_gate_tid2eid", "masked_embd_ordering", "d2t"];
    private const string Reconvert = "The file does not fit its own header; convert or copy it again.";
    private readonly TensorShapes _shapes = new(p, vocabulary);
    private readonly HashSet<string> _expected = new(StringComparer.Ordinal);

    public void Check()
    {
        foreach (var tensor in parts.Tensors)
            CheckForm(tensor);
        if (!parts.TryGet("token_embd.weight", out var embedding))
            throw Missing("token_embd.weight");
        if (!embedding.HasShape(p.Embedding, vocabulary))
            throw Wrong(embedding, $"{p.Embedding} x {vocabulary} (embedding length x tokens)");
        CheckWindowSizes();
        if (TensorPlans.For(p.Architecture) is { } plan)
            CheckPlan(plan);
    }

    // Names, block numbers and the types that the engine's operators take. Norms and biases must be F32: no operator adds an F16 vector to
    // F32.
    private void CheckForm(GgufTensor tensor)
    {
        var name = tensor.Name;
        if (name.StartsWith("blk.", StringComparison.Ordinal))
        {
            var dot = name.IndexOf('.', 4);
            if (dot < 0 || !int.TryParse(name.AsSpan(4, dot - 4), NumberStyles.None, CultureInfo.InvariantCulture, out var layer)
                || layer >= p.Layers)
                throw Bad(tensor, $"the name '{name}'", $"blk.0 to blk.{p.Layers - 1}");
        }

        if (IntegerTables.Any(table => name.Contains(table, StringComparison.Ordinal)))
            return;
        var vector = tensor.Dimensions == 1 && !name.Contains("gate_inp", StringComparison.Ordinal);
        if (vector || name.EndsWith(".bias", StringComparison.Ordinal) || name.EndsWith("_norm.weight", StringComparison.Ordinal)
            || name.EndsWith(".conv.weight", StringComparison.Ordinal))
        {
            if (tensor.Type != GgmlType.F32)
                throw Bad(tensor, $"type {tensor.Type}", "F32 for norms, biases and other vectors");
        }
        else if (!GgmlTypes.IsWeightType(tensor.Type))
        {
            throw Bad(tensor, $"type {tensor.Type}", "a weight type (F32, F16, BF16 or a quantised one)");
        }
    }

    private void CheckPlan(TensorPlan plan)
    {
        CheckNumbers(plan);
        foreach (var rule in plan.Rules.Where(r => !r.PerLayer && Applies(r.Scope, 0)))
            CheckRule(rule, rule.Name, 0);
        for (var layer = 0; layer < p.Layers; layer++)
        {
            foreach (var rule in plan.Rules)
            {
                if (rule.PerLayer && Applies(rule.Scope, layer))
                    CheckRule(rule, $"blk.{layer}.{rule.Name}", layer);
            }

            if (plan.Projections.Count > 0 && Applies(plan.ProjectionScope, layer))
                CheckProjections(plan.Projections[0], layer);
        }

        CheckUnknown();
    }

    private void CheckNumbers(TensorPlan plan)
    {
        var epsilon = plan.RootMeanSquare ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
        if (!p.Has(epsilon))
            throw p.Bad(epsilon, "nothing", "a small number", "The key is missing; convert the model again.");
        foreach (var key in RequiredKeys(p.Architecture).Where(key => !p.Has(key)))
            throw p.Bad(key, "nothing", "a value", "The key is missing; convert the model again.");
        if (p.PredictLayers > 0)
            throw p.Bad("nextn_predict_layers", $"{p.PredictLayers}", $"0 in a '{p.Architecture}' model", Reconvert);
        if (p.Heads[0] == 0 || p.Heads.Any(h => h != p.Heads[0]))
            throw p.Bad("attention.head_count", $"{string.Join(", ", p.Heads.Distinct())}", "the same number, at least 1, in all layers",
                Reconvert);
        if (p.Architecture != "lfm2" && (p.HeadsKv[0] == 0 || p.HeadsKv.Any(h => h != p.HeadsKv[0])))
            throw p.Bad("attention.head_count_kv", $"{string.Join(", ", p.HeadsKv.Distinct())}",
                "the same number, at least 1, in all layers", Reconvert);
        if (p.FeedForward[0] == 0 || p.FeedForward.Any(f => f != p.FeedForward[0]))
            throw p.Bad("feed_forward_length", $"{string.Join(", ", p.FeedForward.Distinct())}",
                "the same number, at least 1, in all layers", Reconvert);
        if (p.KeyLength != p.ValueLength)
            throw p.Bad("attention.value_length", $"{p.ValueLength}", $"{p.KeyLength}, the key length", Reconvert);
        if (plan.RopeIsHead && (p.RopeDimensions != p.KeyLength || p.RopeDimensions % 2 != 0))
            throw p.Bad("rope.dimension_count", $"{p.RopeDimensions}", $"{p.KeyLength}, the head size (even)", Reconvert);
        if (plan.FullWidth && (long)p.Heads[0] * p.KeyLength != p.Embedding)
            throw p.Bad("attention.head_count", $"{p.Heads[0]} heads of {p.KeyLength}",
                $"a product of {p.Embedding}, the embedding length", Reconvert);
        if (p.Architecture is "gemma2" or "cohere2")
            p.Optional("attention.sliding_window", 1, 1, 1 << 24);
    }

    private static string[] RequiredKeys(string architecture) => architecture switch
    {
        "granite" or "granitemoe" => ["logit_scale"],
        "cohere2" => ["logit_scale", "attention.sliding_window"],
        "gptneox" => ["use_parallel_residual"],
        _ => [],
    };

    private void CheckRule(TensorRule rule, string name, int layer)
    {
        _expected.Add(name);
        if (!parts.TryGet(name, out var tensor))
        {
            if (rule.Required)
                throw Missing(name);
            return;
        }

        Span<long> shape = [1, 1, 1];
        for (var i = 0; i < rule.Shape.Length; i++)
            shape[i] = _shapes.Resolve(rule.Shape[i], layer);
        CheckShape(tensor, shape[0], shape[1] == TensorShapes.Any ? tensor.Ne1 : shape[1], shape[2]);
    }

    private void CheckProjections(string[] widths, int layer)
    {
        long e = p.Embedding;
        var (q, k, v) = (_shapes.Resolve(widths[0], layer), _shapes.Resolve(widths[1], layer), _shapes.Resolve(widths[2], layer));
        var fused = Named("attn_qkv.weight");
        if (fused is not null)
        {
            CheckShape(fused, e, q + k + v);
            if (Named("attn_qkv.bias") is { } bias)
            {
                CheckShape(bias, q + k + v);
                return;
            }
        }

        foreach (var (name, width) in new[] { ("attn_q", q), ("attn_k", k), ("attn_v", v) })
        {
            if (fused is null)
                CheckShape(Named($"{name}.weight") ?? throw Missing($"blk.{layer}.{name}.weight"), e, width);
            if (Named($"{name}.bias") is { } bias)
                CheckShape(bias, width);
        }

        GgufTensor? Named(string name)
        {
            var full = $"blk.{layer}.{name}";
            _expected.Add(full);
            return parts.TryGet(full, out var tensor) ? tensor : null;
        }
    }

    // The engine counts what it used: a tensor too many makes it give up after the load. ".scale" companions come with FP4 files.
    private void CheckUnknown()
    {
        foreach (var tensor in parts.Tensors)
        {
            if (!_expected.Contains(tensor.Name) && !tensor.Name.EndsWith("scale", StringComparison.Ordinal))
                throw Bad(tensor, "a tensor that the architecture does not have", $"the tensors of '{p.Architecture}'");
        }
    }

    private bool Applies(RuleScope scope, int layer) => TensorPlan.Applies(scope, p, layer);

    // These graphs use one head size for windowed and full layers.
    private void CheckWindowSizes()
    {
        if (p.Architecture is not ("gemma2" or "gemma3" or "olmo2" or "cohere2" or "lfm2"))
            return;
        p.Optional("attention.key_length_swa", p.KeyLength, p.KeyLength, p.KeyLength);
        p.Optional("attention.value_length_swa", p.ValueLength, p.ValueLength, p.ValueLength);
        p.Optional("rope.dimension_count_swa", p.RopeDimensions, p.RopeDimensions, p.RopeDimensions);
    }

    private void CheckShape(GgufTensor tensor, long ne0, long ne1 = 1, long ne2 = 1)
    {
        if (!tensor.HasShape(ne0, ne1, ne2))
            throw Wrong(tensor, ne2 > 1 ? $"{ne0} x {ne1} x {ne2}" : ne1 > 1 ? $"{ne0} x {ne1}" : $"{ne0}");
    }

    private ModelFileException Wrong(GgufTensor tensor, string allowed) => Bad(tensor, $"shape {tensor.ShapeText}", allowed);

    private ModelFileException Missing(string name) =>
        new(parts.Head.Path, name, "no such tensor", $"a tensor of this name in a '{p.Architecture}' model of {p.Layers} layers",
            Reconvert);

    private ModelFileException Bad(GgufTensor tensor, string found, string allowed) =>
        new(parts.FileOf(tensor.Name).Path, tensor.Name, found, allowed, Reconvert, tensor.HeaderOffset);
}
