namespace InferenceHost.Core.Adapters;

/// <summary>Where a generation of an adapter is.</summary>
/// <param name="Generation">Content hash.</param>
/// <param name="Tier">The fastest tier that has it.</param>
/// <param name="Users">Sequences that wait for it or run with it.</param>
public readonly record struct AdapterResidence(string Generation, AdapterTier Tier, int Users);
