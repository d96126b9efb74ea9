namespace InferenceHost.Text.Tokenization;

/// <summary>What has to be done around libllama's own tokenizer because it does not do it.</summary>
[Flags]
public enum TokenizerQuirks
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A Unigram vocabulary under the name of a merging one: encode with <see cref="UnigramTokenizer"/>.</summary>
    UnigramNamedLlama = 1,

    /// <summary>It never adds the BOS that the model was trained with (PLaMo-2): add it here.</summary>
    BosMissing = 2,
}
