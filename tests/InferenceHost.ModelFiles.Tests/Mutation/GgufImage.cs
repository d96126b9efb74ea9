using System.Text;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Tests.Mutation;

/// <summary>A GGUF file taken apart, so that tests can change a part and put the rest together again consistently.</summary>
internal sealed class GgufImage
{
    public const int Alignment = 32;

    public List<(string Key, uint Type, byte[] Payload)> Values { get; } = [];

    public List<Tensor> Tensors { get; } = [];

    public static GgufImage Load(string path)
    {
        using var file = GgufFile.Open(path);
        var image = new GgufImage();
        foreach (var value in file.Values)
        {
            // The element type and count of an array lie in front of its first element.
            var head = value.IsArray ? 12 : 0;
            image.Values.Add((value.Key, (uint)value.Type, file.Bytes(value.Offset - head, (int)value.ByteLength + head).ToArray()));
        }

        foreach (var tensor in file.Tensors)
        {
            long[] ne = [tensor.Ne0, tensor.Ne1, tensor.Ne2, tensor.Ne3];
            image.Tensors.Add(new Tensor(tensor.Name, ne[..tensor.Dimensions], (uint)tensor.Type,
                file.TensorBytes(tensor, 0, (int)tensor.ByteLength).ToArray()));
        }

        return image;
    }

    public GgufImage Clone()
    {
        var copy = new GgufImage();
        copy.Values.AddRange(Values);
        copy.Tensors.AddRange(Tensors);
        return copy;
    }

    public int IndexOf(string key) => Values.FindIndex(v => v.Key == key);

    public GgufImage Set(string key, GgufValueType type, byte[] payload)
    {
        var index = IndexOf(key);
        if (index < 0)
            Values.Add((key, (uint)type, payload));
        else
            Values[index] = (key, (uint)type, payload);
        return this;
    }

    public GgufImage SetUInt32(string key, uint value) => Set(key, GgufValueType.UInt32, BitConverter.GetBytes(value));

    public GgufImage SetSingle(string key, float value) => Set(key, GgufValueType.Float32, BitConverter.GetBytes(value));

    public GgufImage SetBool(string key, bool value) => Set(key, GgufValueType.Bool, [value ? (byte)1 : (byte)0]);

    public GgufImage SetString(string key, string value) => Set(key, GgufValueType.String,
        [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(value)), .. Encoding.UTF8.GetBytes(value)]);

    public GgufImage SetStrings(string key, IReadOnlyCollection<byte[]> strings)
    {
        var payload = new List<byte>([.. BitConverter.GetBytes((uint)GgufValueType.String),
            .. BitConverter.GetBytes((ulong)strings.Count)]);
        foreach (var text in strings)
        {
            payload.AddRange(BitConverter.GetBytes((ulong)text.Length));
            payload.AddRange(text);
        }

        return Set(key, GgufValueType.Array, [.. payload]);
    }

    public GgufImage SetNumbers<T>(string key, GgufValueType element, T[] numbers)
        where T : unmanaged =>
        Set(key, GgufValueType.Array, [.. BitConverter.GetBytes((uint)element), .. BitConverter.GetBytes((ulong)numbers.Length),
            .. System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan())]);

    public GgufImage Remove(string key)
    {
        Values.RemoveAll(v => v.Key == key);
        return this;
    }

    /// <summary>Whether a key holds an array of strings that an earlier change left whole.</summary>
    public bool HoldsStrings(string key)
    {
        var index = IndexOf(key);
        if (index < 0 || Values[index].Type != (uint)GgufValueType.Array
            || BitConverter.ToUInt32(Values[index].Payload) != (uint)GgufValueType.String)
            return false;
        var payload = Values[index].Payload;
        long at = 12;
        while (at <= payload.Length - 8 && BitConverter.ToUInt64(payload, (int)at) <= (ulong)(payload.Length - at - 8))
            at += 8 + BitConverter.ToInt64(payload, (int)at);
        return at == payload.Length;
    }

    /// <summary>Strings of an array value.</summary>
    public List<byte[]> Strings(string key)
    {
        var payload = Values[IndexOf(key)].Payload;
        var all = new List<byte[]>();
        for (var at = 12; at < payload.Length;)
        {
            var length = (int)BitConverter.ToUInt64(payload, at);
            all.Add(payload[(at + 8)..(at + 8 + length)]);
            at += 8 + length;
        }

        return all;
    }

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)Tensors.Count);
        writer.Write((ulong)Values.Count);
        foreach (var (key, type, payload) in Values)
        {
            WriteString(writer, key);
            writer.Write(type);
            writer.Write(payload);
        }

        long offset = 0;
        foreach (var tensor in Tensors)
        {
            WriteString(writer, tensor.Name);
            writer.Write((uint)tensor.Dimensions.Length);
            foreach (var n in tensor.Dimensions)
                writer.Write(n);
            writer.Write(tensor.Type);
            writer.Write(offset);
            offset += (tensor.Data.Length + Alignment - 1) & -Alignment;
        }

        foreach (var tensor in Tensors)
        {
            Pad(writer);
            writer.Write(tensor.Data);
        }

        Pad(writer);
        return stream.ToArray();
    }

    private static void Pad(BinaryWriter writer)
    {
        while (writer.BaseStream.Position % Alignment != 0)
            writer.Write((byte)0);
    }

    private static void WriteString(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    /// <summary>A tensor with its data.</summary>
    internal sealed record Tensor(string Name, long[] Dimensions, uint Type, byte[] Data)
    {
        /// <summary>The same tensor with another shape or type, its data cut or repeated to fit.</summary>
        public Tensor Reshape(long[] dimensions, uint type)
        {
            if (!GgmlTypes.TryGetBlock(type, out var elements, out var bytes))
                return this with { Dimensions = dimensions, Type = type };
            var length = dimensions.Aggregate(1L, (a, b) => a * Math.Clamp(b, 0, 1 << 12)) / elements * bytes;
            var data = new byte[Math.Clamp(length, 0, 1 << 23)];
            for (var i = 0; i < data.Length && Data.Length > 0; i += Data.Length)
                Data.AsSpan(0, Math.Min(Data.Length, data.Length - i)).CopyTo(data.AsSpan(i));
            return new Tensor(Name, dimensions, type, data);
        }
    }
}
