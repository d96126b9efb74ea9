namespace InferenceHost.ModelFiles.Catalogue;

/// <summary>A manifest: the JSON file beside a model that says what it is, where it comes from and what its bytes are.</summary>
/// <param name="Name">Name to address it by.</param>
/// <param name="File">File name, relative to the manifest.</param>
/// <param name="Sha256">SHA-256 of the file, 64 hexadecimal digits.</param>
/// <param name="Architecture">Architecture, as in the file.</param>
/// <param name="Licence">SPDX licence expression.</param>
/// <param name="Source">Where it comes from and how it was made.</param>
/// <param name="ContextLength">Tokens it was trained for.</param>
/// <param name="Quantisation">Element type of most weights.</param>
/// <param name="GoodFor">What it is good for, in a sentence.</param>
/// <param name="Adapters">Adapters that come with it.</param>
public sealed record ModelManifest(
    string Name, string File, string Sha256, string Architecture, string Licence, string Source, int ContextLength, string Quantisation,
        string GoodFor, IReadOnlyList<AdapterManifest> Adapters);
