namespace InferenceHost.Cli.Bench.Targets;

/// <summary>What a target says about itself, for the report. Unknown parts are <see langword="null"/>.</summary>
/// <param name="Name">Label of the target.</param>
/// <param name="Kind">Protocol, in words.</param>
/// <param name="Endpoint">Address it was driven at.</param>
/// <param name="Version">Version or build of the server.</param>
/// <param name="Model">Model name or file name, without folders.</param>
/// <param name="Details">Slots, context and the like, in words.</param>
internal sealed record TargetInfo(string Name, string Kind, string Endpoint, string? Version, string? Model, string? Details);
