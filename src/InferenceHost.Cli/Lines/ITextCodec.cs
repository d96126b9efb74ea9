namespace InferenceHost.Cli.Lines;

/// <summary>A tokenizer, wherever it runs.</summary>
internal interface ITextCodec : IAsyncDisposable
{
    /// <summary>Token ids of a text: no BOS is added, special tokens in the text are not parsed.</summary>
    /// <exception cref="CliException">The text cannot be tokenised.</exception>
    ValueTask<IReadOnlyList<int>> EncodeAsync(string text, CancellationToken cancellationToken);

    /// <summary>Text of token ids.</summary>
    /// <exception cref="CliException">An id is not in the vocabulary.</exception>
    ValueTask<string> DecodeAsync(IReadOnlyList<int> ids, CancellationToken cancellationToken);
}
