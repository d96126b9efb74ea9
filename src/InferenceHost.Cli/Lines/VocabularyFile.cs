namespace InferenceHost.Cli.Lines;

/// <summary>Tokenizers of GGUF files, without a server.</summary>
internal static class VocabularyFile
{
    /// <summary>Opens the vocabulary of a file.</summary>
    /// <exception cref="CliException">There is no such file.</exception>
    public static ITextCodec Open(string path)
    {
        if (!File.Exists(path))
            throw new CliException(ExitCode.NotFound, $"--tokenizer: there is no file {path}.");
        return new WorkerCodec(Path.GetFullPath(path), WorkerCodec.FindExecutable());
    }
}
