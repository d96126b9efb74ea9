using InferenceHost.ModelFiles.Catalogue;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Server.Chat;

namespace InferenceHost.Server.Catalogue;

/// <summary>A model file that was verified and is to be served.</summary>
/// <param name="Name">Name requests use.</param>
/// <param name="Path">Absolute path of the file.</param>
internal sealed record ServedModel(string Name, string Path)
{
    /// <summary>Its entry in the catalogue; null for a file without a manifest.</summary>
    public CatalogueEntry? Entry { get; init; }

    /// <summary>What the file says about itself; null only in tests.</summary>
    public ModelSummary? Summary { get; init; }

    /// <summary>Its chat template, or why there is none.</summary>
    public ModelTemplate Template { get; init; } = ModelTemplate.None;
}
