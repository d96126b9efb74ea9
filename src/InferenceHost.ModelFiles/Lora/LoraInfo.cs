namespace InferenceHost.ModelFiles.Lora;

/// <summary>What a valid adapter file says about itself.</summary>
/// <param name="Name">Its <c>general.name</c>, or the file's name.</param>
/// <param name="Architecture">Architecture of the model it belongs to.</param>
/// <param name="Alpha">Scaling numerator: a pair of rank r is scaled by alpha / r.</param>
/// <param name="BaseModelSha256">Hash of the model it was made for, where the file states one.</param>
/// <param name="Targets">The matrices it changes, in file order.</param>
/// <param name="Bytes">Bytes of all its tensors.</param>
public sealed record LoraInfo(string Name, string Architecture, float Alpha, string? BaseModelSha256, IReadOnlyList<LoraTarget> Targets,
    long Bytes)
{
    /// <summary>The largest rank of its pairs.</summary>
    public int MaxRank => Targets.Max(t => t.Rank);
}
