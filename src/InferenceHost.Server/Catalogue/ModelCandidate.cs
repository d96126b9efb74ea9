using InferenceHost.ModelFiles.Catalogue;

namespace InferenceHost.Server.Catalogue;

/// <summary>A model file that was found and is not verified yet.</summary>
/// <param name="Name">Name requests would use.</param>
/// <param name="Path">Absolute path.</param>
/// <param name="Entry">Its entry in the catalogue; null for a file without a manifest.</param>
internal sealed record ModelCandidate(string Name, string Path, CatalogueEntry? Entry);
