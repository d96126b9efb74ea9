namespace InferenceHost.ModelFiles.Lora;

/// <summary>One weight matrix that an adapter changes.</summary>
/// <param name="Tensor">Name of the model's tensor, for example <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Rank">Inner dimension of the pair.</param>
/// <param name="Inputs">Columns of the model's matrix.</param>
/// <param name="Outputs">Rows of the model's matrix.</param>
public sealed record LoraTarget(string Tensor, int Rank, int Inputs, int Outputs);
