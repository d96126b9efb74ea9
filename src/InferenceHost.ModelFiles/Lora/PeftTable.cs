using System.Collections.Frozen;
using System.Globalization;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>Names of one architecture's Hugging Face modules and the GGUF tensors they became.</summary>
/// <param name="Prefixes">What stands before a layer's number.</param>
/// <param name="Head">Module of the output matrix; null where adapters on it are not taken.</param>
/// <param name="Modules">Modules of a layer.</param>
internal sealed record PeftTable(string[] Prefixes, string? Head, FrozenDictionary<string, PeftTarget[]> Modules)
{
    /// <summary>Layer number of everything outside the layers.</summary>
    public const int NoLayer = -1;

    private static readonly PeftTarget[] Output = [PeftTarget.Parse("output")];

    /// <summary>Reads <c>module target + target; module target; ...</c>, targets as in <see cref="PeftTarget.Parse"/>.</summary>
    public static PeftTable Parse(string text, string? head = "lm_head", params string[] prefixes)
    {
        var modules = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(entry => entry.Split(' ', 2)).ToFrozenDictionary(words => words[0],
                words => words[1].Split('+').Select(PeftTarget.Parse).ToArray());
        return new PeftTable(prefixes, head, modules);
    }

    /// <summary>The targets of a module such as <c>model.layers.3.self_attn.q_proj</c> and its layer; false where there are none.</summary>
    public bool TryGet(string module, out PeftTarget[] targets, out int layer)
    {
        (targets, layer) = ([], NoLayer);
        if (module == Head)
        {
            targets = Output;
            return true;
        }

        var prefix = Array.Find(Prefixes, p => module.StartsWith(p, StringComparison.Ordinal));
        if (prefix is null)
            return false;
        var rest = module[prefix.Length..];
        var dot = rest.IndexOf('.', StringComparison.Ordinal);
        return dot >= 0 && int.TryParse(rest.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out layer)
            && Modules.TryGetValue(rest[(dot + 1)..], out targets!);
    }

    /// <summary>Full name of a module that ends as this one, which <see cref="TryGet"/> does not know; null where none does.</summary>
    public string? ExampleOf(string module) => Modules.Keys.FirstOrDefault(known => module.EndsWith($".{known}", StringComparison.Ordinal))
        is { } name ? $"{Prefixes[^1]}0.{name}" : null;

    /// <summary>Name of a target's tensor in a layer.</summary>
    public static string TensorName(PeftTarget target, int layer) => layer == NoLayer ? $"{target.Tensor}.weight"
        : string.Create(CultureInfo.InvariantCulture, $"blk.{layer}.{target.Tensor}.weight");
}
