using System.Buffers;
using System.Security.Cryptography;

namespace InferenceHost.ModelFiles;

/// <summary>SHA-256 of whole files: the identity of models and adapters.</summary>
public static class ContentHash
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Hashes a file in chunks of 1 MiB.</summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Told the bytes hashed so far, after every chunk.</param>
    /// <param name="cancel">Checked before every chunk.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    /// <exception cref="ModelFileException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<string> ComputeAsync(string path, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var stream = Open(path);
            await using (stream)
            {
                long done = 0;
                int read;
                while ((read = await stream.ReadAsync(buffer.AsMemory(0, ChunkBytes), cancel).ConfigureAwait(false)) > 0)
                {
                    hash.AppendData(buffer, 0, read);
                    progress?.Report(done += read);
                }
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (IOException error)
        {
            throw Unreadable(path, error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Hashes a file; for callers that have no use for progress.</summary>
    /// <exception cref="ModelFileException">The file cannot be read.</exception>
    public static string Compute(string path)
    {
        try
        {
            using var stream = Open(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (IOException error)
        {
            throw Unreadable(path, error);
        }
    }

    /// <summary>Whether a text is a SHA-256 in hexadecimal.</summary>
    public static bool IsSha256(string text) => text is { Length: 64 } && text.All(char.IsAsciiHexDigit);

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1,
                FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Unreadable(path, error);
        }
    }

    private static ModelFileException Unreadable(string path, Exception error) =>
        new(path, "file", error.Message, "a readable regular file", "Check path and permissions.", null, error);
}
