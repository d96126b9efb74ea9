using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Models;
using InferenceHost.ModelFiles.Tests.Mutation;

namespace InferenceHost.ModelFiles.Tests.Models;

/// <summary>Makes a tiny model of any planned architecture, with small random weights and the tokenizer of a golden file.</summary>
internal static class PlannedModel
{
    public const uint Layers = 2;
    private const uint Embedding = 64;

    public static GgufImage Build(string architecture, bool withOptional)
    {
        var image = GgufImage.Load(TestFiles.Tiny("llama"));
        image.Tensors.Clear();
        image.Values.RemoveAll(v => v.Key.StartsWith("llama.", StringComparison.Ordinal));
        WriteNumbers(image.SetString("general.architecture", architecture), architecture);
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, image.ToBytes());
            using var file = GgufFile.Open(path);
            var parameters = HyperParameters.Read(file, architecture);
            AddTensors(image, TensorPlans.For(architecture)!, parameters, new TensorShapes(parameters, 1024), withOptional);
        }
        finally
        {
            File.Delete(path);
        }

        return image;
    }

    private static void WriteNumbers(GgufImage image, string a)
    {
        image.SetUInt32($"{a}.context_length", 256).SetUInt32($"{a}.embedding_length", Embedding).SetUInt32($"{a}.block_count", Layers)
            .SetUInt32($"{a}.feed_forward_length", 96).SetUInt32($"{a}.attention.head_count", 4)
            .SetSingle($"{a}.attention.layer_norm_rms_epsilon", 1e-5f).SetSingle($"{a}.attention.layer_norm_epsilon", 1e-5f)
                .SetSingle($"{a}.logit_scale", 1);
        if (a == "lfm2")
            image.SetNumbers($"{a}.attention.head_count_kv", GgufValueType.UInt32, [0u, 2u]).SetUInt32($"{a}.shortconv.l_cache", 3);
        else
            image.SetUInt32($"{a}.attention.head_count_kv", a is "falcon" ? 1u
                : a is "gpt2" or "starcoder" or "bloom" or "gptneox" or "olmoe" ? 4u : 2u);
        if (a.EndsWith("moe", StringComparison.Ordinal))
            image.SetUInt32($"{a}.expert_count", 4).SetUInt32($"{a}.expert_used_count", 2);
        if (a == "gptneox")
            image.SetBool($"{a}.use_parallel_residual", true);
        if (a == "cohere2")
            image.SetUInt32($"{a}.attention.sliding_window", 32);
    }

    private static void AddTensors(GgufImage image, TensorPlan plan, HyperParameters p, TensorShapes shapes, bool withOptional)
    {
        var random = new Random(1);
        foreach (var rule in plan.Rules.Where(r => !r.PerLayer && (r.Required || withOptional) && Applies(r.Scope, 0)))
            Add(rule.Name, rule.Shape, 0);
        for (var layer = 0; layer < (int)Layers; layer++)
        {
            foreach (var rule in plan.Rules.Where(r => r.PerLayer && (r.Required || withOptional) && Applies(r.Scope, layer)))
                Add($"blk.{layer}.{rule.Name}", rule.Shape, layer);
            if (plan.Projections.Count == 0 || !Applies(plan.ProjectionScope, layer))
                continue;
            foreach (var (name, width) in new[] { "attn_q", "attn_k", "attn_v" }.Zip(plan.Projections[0]))
                Add($"blk.{layer}.{name}.weight", ["E", width], layer);
        }

        bool Applies(RuleScope scope, int layer) => TensorPlan.Applies(scope, p, layer);

        void Add(string name, string[] symbols, int layer)
        {
            var shape = symbols.Select(s => shapes.Resolve(s, layer)).Where(n => n != TensorShapes.Any).ToArray();
            if (shape.Length < symbols.Length || shape.Contains(0))
                return;
            var numbers = new float[shape.Aggregate(1L, (a, b) => a * b)];
            for (var i = 0; i < numbers.Length; i++)
                numbers[i] = name.Contains("norm", StringComparison.Ordinal)
                    || name.Contains("rope", StringComparison.Ordinal) ? 1 : (random.NextSingle() - 0.5f) / 4;
            image.Tensors.Add(new GgufImage.Tensor(name, shape, (uint)GgmlType.F32,
                System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray()));
        }
    }
}
