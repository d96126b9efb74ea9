using System.IO.MemoryMappedFiles;

namespace InferenceHost.ModelFiles.Gguf;

/// <summary>A file mapped for reading. Pages are touched only where something is read.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private MappedFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view, byte* start, long length)
    {
        Path = path;
        _map = map;
        _view = view;
        _start = start;
        Length = length;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>First byte of the file. Valid until disposal.</summary>
    public byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start is null, this);
            return _start;
        }
    }

    /// <summary>Maps a regular file of at least <paramref name="minimumBytes"/>; every failure is a <see
    /// cref="ModelFileException"/>.</summary>
    public static MappedFile Open(string path, long minimumBytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            var info = new FileInfo(path);
            if (Directory.Exists(path))
                throw new ModelFileException(path, "file", "a folder", "a regular file", "Check the path.");
            if (!info.Exists)
                throw new ModelFileException(path, "file", "nothing", "a regular file", "Check the path.", null,
                    new FileNotFoundException(null, path));

            // Pipes and devices have length 0 and are refused here, before an open that might block.
            if (info.Length < minimumBytes)
                throw new ModelFileException(path, "file length", $"{info.Length} bytes", $"at least {minimumBytes} bytes",
                    "The file is empty or cut off; copy it again.");

            return Map(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ModelFileException(path, "file", error.Message, "a readable regular file", "Check path and permissions.", null,
                error);
        }
    }

    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ModelFileException(Path, "read", $"bytes {offset}..{offset + length}", $"0..{Length}",
                "The file is cut off; copy it again.", offset);
        return new ReadOnlySpan<byte>(Start + offset, length);
    }

    public void Dispose()
    {
        if (_start is null)
            return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    private static MappedFile Map(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1);
        MemoryMappedFile? map = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            var length = stream.Length;
            map = MemoryMappedFile.CreateFromFile(stream, null, length, MemoryMappedFileAccess.Read, HandleInheritability.None,
                leaveOpen: false);
            view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            return new MappedFile(path, map, view, start, length);
        }
        catch
        {
            view?.Dispose();
            map?.Dispose();
            stream.Dispose();
            throw;
        }
    }
}
