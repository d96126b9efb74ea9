namespace InferenceHost.Server.Catalogue;

/// <summary>A model file that was verified and is to be served.</summary>
/// <param name="Name">Name requests use.</param>
/// <param name="Path">Absolute path of the file.</param>
internal sealed record ServedModel(string Name, string Path);
