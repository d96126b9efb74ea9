using System.Globalization;
using System.Security.Cryptography;
using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Adapters;

/// <summary>A file that is being received: hashed as it comes, never longer than announced, removed unless it is kept.</summary>
internal sealed class IncomingFile : IAsyncDisposable
{
    private readonly string _path;
    private readonly long _expectedBytes;
    private readonly FileStream _stream;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _bytes;

    public IncomingFile(string path, long expectedBytes)
    {
        _path = path;
        _expectedBytes = expectedBytes;
        _stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
    }

    /// <summary>Where it is.</summary>
    public string Path => _path;

    /// <summary>Adds bytes.</summary>
    /// <exception cref="RefusalException">They are more than announced.</exception>
    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        _bytes += bytes.Length;
        if (_bytes > _expectedBytes)
            throw new RefusalException(Refusal.Field("file_bytes", $"at least {Number(_bytes)} bytes", $"the announced {Number(_expectedBytes)}"));
        _hash.AppendData(bytes.Span);
        await _stream.WriteAsync(bytes, cancellation);
    }

    /// <summary>Finishes the file and returns its hash.</summary>
    /// <exception cref="RefusalException">It is shorter than announced or has another hash.</exception>
    public async Task<string> CompleteAsync(string expectedSha256)
    {
        if (_bytes != _expectedBytes)
            throw new RefusalException(Refusal.Field("file_bytes", $"{Number(_bytes)} bytes", $"the announced {Number(_expectedBytes)}"));
        var sha256 = Convert.ToHexStringLower(_hash.GetHashAndReset());
        if (expectedSha256.Length > 0 && !string.Equals(expectedSha256, sha256, StringComparison.OrdinalIgnoreCase))
            throw new RefusalException(Refusal.Field("sha256", sha256, $"the announced {expectedSha256}"));
        await Task.Run(() => _stream.Flush(flushToDisk: true));
        await _stream.DisposeAsync();
        return sha256;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _hash.Dispose();
        // Nothing there where it was kept under its hash.
        File.Delete(_path);
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
