using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>A checked adapter file in memory, for llama.cpp's own loader.</summary>
internal sealed class FileAdapter(byte[] content, int rank) : PreparedAdapter
{
    private readonly MemoryFile _file = new("adapter.gguf", content);

    /// <inheritdoc/>
    public override long Bytes { get; } = content.Length;

    /// <inheritdoc/>
    public override int Rank { get; } = rank;

    /// <summary>Where llama.cpp can read it.</summary>
    public string Path => _file.Path;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _file.Dispose();
    }
}
