using InferenceHost.ModelFiles.Catalogue;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Files;

/// <summary>A model file in the words of <c>Models.Describe</c>, so that a file and a served model are shown alike.</summary>
internal static class ModelDescription
{
    /// <exception cref="ModelFiles.ModelFileException">The file is no model.</exception>
    public static DescribeModelResponse Read(string path)
    {
        ModelSummary summary = ModelSummary.Read(path);
        ModelManifest? manifest = ModelFolder.ManifestOf(path)?.Model;
        return new DescribeModelResponse
        {
            Info = new ModelInfo
            {
                Name = manifest?.Name ?? summary.Name,
                Path = Path.GetFullPath(path),
                Architecture = summary.Architecture,
                Quantization = summary.Quantisation,
                ContextTokens = summary.ContextLength,
                License = manifest?.Licence ?? "",
                Sha256 = manifest?.Sha256 ?? "",
                FileBytes = summary.FileBytes,
            },
            Parameters = summary.Parameters,
            Layers = summary.Layers,
            EmbeddingWidth = summary.EmbeddingLength,
            AttentionHeads = summary.Heads,
            KvHeads = summary.KeyValueHeads,
            VocabularySize = summary.VocabularySize,
            Tokenizer = Describe(summary),
            ChatTemplate = summary.ChatTemplate is not null ? "model file" : "none",
            GoodFor = manifest?.GoodFor ?? "",
            Source = manifest?.Source ?? "",
        };
    }

    private static string Describe(ModelSummary summary) => summary.Tokenizer switch
    {
        TokenizerKind.ByteLevelBpe => $"byte-level BPE ({(summary.PreTokenizer.Length > 0 ? summary.PreTokenizer : "default")})",
        TokenizerKind.SentencePieceBpe => "SentencePiece BPE",
        TokenizerKind.Unigram => "SentencePiece Unigram",
        TokenizerKind.SentencePieceMerges => "SentencePiece merges",
        TokenizerKind.WordPiece => "WordPiece",
        TokenizerKind.Rwkv => "RWKV World",
        TokenizerKind.Plamo2 => "PLaMo 2",
        _ => summary.TokenizerModel,
    };
}
