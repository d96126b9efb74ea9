using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Files;

/// <summary>An adapter file in the words of <c>Adapters.Describe</c>.</summary>
internal static class AdapterDescription
{
    /// <summary>Validates an adapter against a model and describes it.</summary>
    /// <exception cref="ModelFileException">The adapter is malformed, or does not fit the model.</exception>
    public static AdapterInfo Read(string path, string modelPath)
    {
        LoraInfo info = LoraValidator.Validate(path, modelPath);
        return new AdapterInfo
        {
            Name = info.Name,
            Sha256 = ContentHash.Compute(path),
            Rank = info.MaxRank,
            Alpha = info.Alpha,
            Targets = { info.Targets.Select(target => Kind(target.Tensor)).Distinct().Order(StringComparer.Ordinal) },
            FileBytes = new FileInfo(path).Length,
            Architecture = info.Architecture,
        };
    }

    // "blk.12.attn_q.weight" -> "attn_q"
    private static string Kind(string tensor)
    {
        string[] parts = tensor.Split('.');
        return parts is ["blk", _, var kind, ..] ? kind : parts[0];
    }
}
