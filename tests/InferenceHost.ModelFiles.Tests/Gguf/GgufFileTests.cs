using System.Text;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Tests.Gguf;

/// <summary>Damage to the container itself, byte by byte.</summary>
public sealed class GgufFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        float[] numbers = [1, 2, 3];
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray();
        new GgufWriter().Add("a.text", "日本語").Add("a.number", 7u).Add("a.float", 0.5f).AddTensor("x", [3], GgmlType.F32, bytes)
            .AddTensor("y", [1, 3], GgmlType.F32, bytes).Write(_path);
        using var file = GgufFile.Open(_path);
        Assert.True(file.TryGetString("a.text", out var text));
        Assert.True(file.TryGetUInt32("a.number", out var number));
        Assert.True(file.TryGetSingle("a.float", out var single));
        Assert.Equal(("日本語", 7u, 0.5f), (text, number, single));
        Assert.Equal(["x", "y"], file.Tensors.Select(t => t.Name));
        Assert.Equal(bytes, file.TensorBytes(file.Tensors[1], 0, bytes.Length).ToArray());
        Assert.Equal(0, file.Tensors[1].Offset % 32);
        Assert.False(file.TryGetString("a.absent", out _));
        Assert.Equal("a.number", Assert.Throws<ModelFileException>(() => file.TryGetString("a.number", out _)).Field);
    }

    [Fact]
    public void SpansEndWithTheFile()
    {
        new GgufWriter().Add("a", 7u).Write(_path);
        var file = GgufFile.Open(_path);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.TryGetUInt32("a", out _));
    }

    [Theory]
    [InlineData(0, "GGUX", "magic")]
    [InlineData(4, "\u0001\0\0\0", "version")]
    [InlineData(4, "\u0004\0\0\0", "version")]
    [InlineData(4, "\0\0\0\u0003", "version")]
    public void WrongHeaderIsRefused(int at, string bytes, string field) =>
        Assert.Equal(field, Refuse(header => Encoding.Latin1.GetBytes(bytes).CopyTo(header, at)).Field);

    [Theory]
    [InlineData(8, "tensor count")]
    [InlineData(16, "key/value count")]
    public void CountBeyondReasonIsRefusedWithItsOffset(int at, string field)
    {
        var error = Refuse(header => BitConverter.GetBytes(ulong.MaxValue).CopyTo(header, at));
        Assert.Equal((field, (long?)at), (error.Field, error.Offset));
        Assert.Contains("18446744073709551615", error.Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(1ul << 33)]
    [InlineData(0ul)]
    public void KeyLengthIsChecked(ulong length) => Assert.Equal("key 0",
        Refuse(header => BitConverter.GetBytes(length).CopyTo(header, 24)).Field);

    [Fact]
    public void KeyMustBeText() => Assert.Equal("key 0", Refuse(header => header[32] = 0xFF).Field);

    [Fact]
    public void ValueTypeIsChecked() => Assert.Equal("first", Refuse(header => header[37] = 13).Field);

    [Fact]
    public void DuplicateKeyIsRefused() => Assert.Equal("first", Refuse(header => "first"u8.CopyTo(header.AsSpan(53))).Field);

    [Fact]
    public void EveryTruncationIsRefused()
    {
        var whole = Sample();
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(_path, whole[..length]);
            Assert.Throws<ModelFileException>(() => GgufFile.Open(_path).Dispose());
        }
    }

    [Fact]
    public void BytesBehindTheLastTensorMustBeZero()
    {
        File.WriteAllBytes(_path, [.. Sample(), .. new byte[64]]);
        GgufFile.Open(_path).Dispose();
        File.WriteAllBytes(_path, [.. Sample(), .. new byte[63], 1]);
        Assert.Equal("file length", Assert.Throws<ModelFileException>(() => GgufFile.Open(_path)).Field);
    }

    [Fact]
    public void MissingFileFolderAndEmptyFileAreClearErrors()
    {
        Assert.Equal("nothing", Assert.Throws<ModelFileException>(() => GgufFile.Open(_path)).Found);
        Assert.Equal("a folder", Assert.Throws<ModelFileException>(() => GgufFile.Open(Path.GetTempPath())).Found);
        File.WriteAllBytes(_path, []);
        Assert.Equal("file length", Assert.Throws<ModelFileException>(() => GgufFile.Open(_path)).Field);
    }

    [Fact]
    public void EveryTypeHasTheEnginesBlockSize()
    {
        foreach (var type in Enum.GetValues<GgmlType>())
            Assert.True(GgmlTypes.TryGetBlock((uint)type, out var elements, out var bytes) && elements > 0 && bytes > 0, type.ToString());
        foreach (var withdrawn in new uint[] { 4, 5, 31, 32, 33, 36, 37, 38, 43, uint.MaxValue })
            Assert.False(GgmlTypes.TryGetBlock(withdrawn, out _, out _));
        Assert.Equal((256, 144), (GgmlTypes.BlockElements(GgmlType.Q4_K), GgmlTypes.BlockBytes(GgmlType.Q4_K)));
        Assert.Equal((256, 210), (GgmlTypes.BlockElements(GgmlType.Q6_K), GgmlTypes.BlockBytes(GgmlType.Q6_K)));
        Assert.Equal((256, 56), (GgmlTypes.BlockElements(GgmlType.IQ1_M), GgmlTypes.BlockBytes(GgmlType.IQ1_M)));
        Assert.Equal((64, 36), (GgmlTypes.BlockElements(GgmlType.NVFP4), GgmlTypes.BlockBytes(GgmlType.NVFP4)));
    }

    public void Dispose() => File.Delete(_path);

    private static byte[] Sample()
    {
        var stream = new MemoryStream();
        new GgufWriter().Add("first", 1u).Add("other", 2u).AddTensor("t", [8], GgmlType.F32, new byte[32]).WriteTo(stream);
        return stream.ToArray();
    }

    private ModelFileException Refuse(Action<byte[]> damage)
    {
        var bytes = Sample();
        damage(bytes);
        File.WriteAllBytes(_path, bytes);
        return Assert.Throws<ModelFileException>(() => GgufFile.Open(_path));
    }
}
