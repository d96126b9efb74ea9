namespace InferenceHost.Cli.Bench.Workload;

/// <summary>A prompt as token ids or as text; exactly one of the two.</summary>
/// <param name="TokenIds">Ids, sent as they are.</param>
/// <param name="Text">Text, tokenised by the server.</param>
internal sealed record BenchPrompt(int[]? TokenIds, string? Text);
