namespace InferenceHost.Cli.Bench.Reports;

/// <summary>What was run, for the report.</summary>
/// <param name="Prompts">Source and length of the prompts, in words.</param>
/// <param name="MaxTokens">Tokens to generate per request at most.</param>
/// <param name="IgnoreEos">Whether end-of-generation tokens are passed over.</param>
/// <param name="Temperature">0 = greedy.</param>
/// <param name="Adapters">Adapters, dealt round-robin.</param>
/// <param name="CachePrompt">Whether llama-server may reuse its prompt cache.</param>
/// <param name="Repetitions">Measured rounds per level and target.</param>
/// <param name="WarmupRounds">Discarded rounds before them.</param>
/// <param name="RequestsPerStream">Closed loop: requests of each stream.</param>
/// <param name="Requests">Open loop: requests per round.</param>
/// <param name="Seed">Seed of everything random.</param>
/// <param name="SloTtftMs">Objective for the time to first token.</param>
/// <param name="SloInterTokenMs">Objective for the mean inter-token time.</param>
internal sealed record WorkloadInfo(
    string Prompts, int MaxTokens, bool IgnoreEos, float Temperature, IReadOnlyList<string> Adapters, bool CachePrompt, int Repetitions, int WarmupRounds,
    int? RequestsPerStream, int? Requests, ulong Seed, double? SloTtftMs, double? SloInterTokenMs);
