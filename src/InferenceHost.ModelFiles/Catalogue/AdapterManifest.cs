namespace InferenceHost.ModelFiles.Catalogue;

/// <summary>What a manifest says about an adapter that comes with a model.</summary>
/// <param name="Name">Name to address it by.</param>
/// <param name="File">File name, relative to the manifest.</param>
/// <param name="Sha256">SHA-256 of the file.</param>
/// <param name="Licence">SPDX licence expression.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="BaseSha256">SHA-256 of the model it was made for.</param>
/// <param name="GoodFor">What it is good for, in a sentence.</param>
public sealed record AdapterManifest(string Name, string File, string Sha256, string Licence, string Source, string BaseSha256,
    string GoodFor);
