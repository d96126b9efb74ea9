using System.Runtime.InteropServices;
using System.Text;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Tests.Mutation;

/// <summary>Makes damaged files from a sound one: raw damage to the bytes of the header, and consistent files with changed
/// contents.</summary>
internal sealed class Mutator
{
    private static readonly uint[] Numbers =
        [0, 1, 2, 3, 4, 5, 7, 8, 11, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 512, 513, 1023, 1024, 1025, 2048, 65_535, 65_536,
            1 << 24, int.MaxValue, 0x8000_0000, uint.MaxValue];

    private static readonly float[] Floats =
        [0, -0f, 1, -1, 1e-5f, 1e-38f, 0.5f, 2, 10_000, 1e6f, 1e12f, 1e30f, float.MaxValue, float.Epsilon, float.NaN,
            float.PositiveInfinity, float.NegativeInfinity];

    private readonly byte[] _bytes;
    private readonly int _headerBytes;
    private readonly GgufImage _image;
    private readonly string[] _extraKeys;

    public Mutator(string path)
    {
        _bytes = File.ReadAllBytes(path);
        _image = GgufImage.Load(path);
        using var file = GgufFile.Open(path);
        _headerBytes = (int)file.DataOffset;
        file.TryGetString("general.architecture", out var architecture);
        _extraKeys =
        [
            .. new[]
            {
                "nextn_predict_layers", "expert_count", "expert_used_count", "expert_group_count", "expert_group_used_count",
                    "expert_gating_func", "attention.key_length",
                "attention.value_length", "rope.dimension_count", "attention.sliding_window", "attention.sliding_window_pattern",
                    "pooling_type", "vocab_size", "embedding_length_out",
                "attention.key_length_swa", "rope.dimension_count_swa", "rope.scaling.original_context_length",
                    "attention.layer_norm_epsilon", "rope.scaling.factor", "rope.freq_base_swa",
                "attention.causal", "expert_feed_forward_length", "expert_shared_feed_forward_length", "n_deepstack_layers", "logit_scale",
                    "final_logit_softcapping", "attention.scale",
            }.Select(name => $"{architecture}.{name}"),
            "general.alignment", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.add_bos_token",
                "tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_sep_token",
            "tokenizer.ggml.scores", "tokenizer.ggml.suppress_tokens", "tokenizer.ggml.token_type_count", "split.count", "split.no",
                "adapter.alora.invocation_tokens",
        ];
    }

    /// <summary>The file that belongs to a seed; always the same one.</summary>
    public byte[] Mutate(int seed)
    {
        var random = new Random(seed);
        if (random.Next(3) == 0)
            return Damage(random);
        var image = _image.Clone();
        var changes = 1 + (random.Next(4) == 0 ? random.Next(3) : 0);
        for (var i = 0; i < changes; i++)
            Change(image, random);
        return image.ToBytes();
    }

    private byte[] Damage(Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                return _bytes[..random.Next(_bytes.Length)];
            case 1:
                var tail = new byte[1 + random.Next(100)];
                random.NextBytes(tail);
                return [.. _bytes, .. tail];
            case 2:
                var at = random.Next(_headerBytes);
                return [.. _bytes[..at], .. _bytes[Math.Min(_headerBytes, at + 1 + random.Next(16))..]];
        }

        var copy = (byte[])_bytes.Clone();
        var flips = 1 + random.Next(4);
        for (var i = 0; i < flips; i++)
        {
            var at = random.Next(2) == 0 ? random.Next(_headerBytes) : random.Next(Math.Min(1024, _headerBytes));
            switch (random.Next(4))
            {
                case 0:
                    copy[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    copy[at] = (byte)random.Next(256);
                    break;
                case 2:
                    MemoryMarshal.Write(copy.AsSpan(Math.Min(at & ~3, copy.Length - 4)), Pick(random, Numbers));
                    break;
                default:
                    copy[at] = random.Next(2) == 0 ? (byte)0 : (byte)255;
                    break;
            }
        }

        return copy;
    }

    private void Change(GgufImage image, Random random)
    {
        switch (random.Next(image.Tensors.Count == 0 ? 6 : 12))
        {
            case 0:
                image.Values.RemoveAt(random.Next(image.Values.Count));
                break;
            case 1:
                image.Values.Insert(random.Next(image.Values.Count), image.Values[random.Next(image.Values.Count)]);
                break;
            case 2 or 3:
                ChangeValue(image, random, random.Next(image.Values.Count));
                break;
            case 4:
                AddValue(image, random);
                break;
            case 5:
                ChangeTokens(image, random);
                break;
            case 6:
                image.Tensors.RemoveAt(random.Next(image.Tensors.Count));
                break;
            case 7:
                image.Tensors.Insert(random.Next(image.Tensors.Count), image.Tensors[random.Next(image.Tensors.Count)]);
                break;
            case 8:
                var (a, b) = (random.Next(image.Tensors.Count), random.Next(image.Tensors.Count));
                (image.Tensors[a], image.Tensors[b]) = (image.Tensors[a] with { Name = image.Tensors[b].Name },
                    image.Tensors[b] with { Name = image.Tensors[a].Name });
                break;
            case 9:
                Update(image, random, t => t with { Name = Rename(t.Name, random) });
                break;
            case 10:
                Update(image, random, t => t.Reshape(t.Dimensions,
                    random.Next(2) == 0 ? (uint)random.Next(44) : Pick(random, [0u, 1u, 2u, 8u, 20u, 30u, 26u])));
                break;
            default:
                Update(image, random, t => t.Reshape(ChangeShape(t.Dimensions, random), t.Type));
                break;
        }
    }

    private static void ChangeValue(GgufImage image, Random random, int index)
    {
        var (key, type, payload) = image.Values[index];
        var copy = (byte[])payload.Clone();
        switch ((GgufValueType)type)
        {
            case GgufValueType.UInt32 or GgufValueType.Int32:
                var old = BitConverter.ToUInt32(copy);
                var number = random.Next(5) switch { 0 => old * 2, 1 => old / 2, 2 => old + 1, 3 => old - 1, _ => Pick(random, Numbers) };
                MemoryMarshal.Write(copy, number);
                break;
            case GgufValueType.Float32:
                MemoryMarshal.Write(copy, Pick(random, Floats));
                break;
            case GgufValueType.Bool:
                copy[0] = (byte)random.Next(3);
                break;
            case GgufValueType.String when copy.Length > 8:
                copy[8 + random.Next(copy.Length - 8)] = (byte)random.Next(256);
                break;
            case GgufValueType.Array when copy.Length > 12:
                ChangeArray(ref copy, random);
                break;
        }

        var newType = random.Next(8) == 0 ? (uint)random.Next(13) : type;
        image.Values[index] = (key, newType, copy);
    }

    private static void ChangeArray(ref byte[] copy, Random random)
    {
        var count = BitConverter.ToUInt64(copy, 4);
        switch (random.Next(3))
        {
            case 0 when BitConverter.ToUInt32(copy) != 8 && count > 1:
                var size = (copy.Length - 12) / (int)count;
                var keep = random.Next((int)count);
                copy = copy[..(12 + (keep * size))];
                MemoryMarshal.Write(copy.AsSpan(4), (ulong)keep);
                break;
            case 1 when BitConverter.ToUInt32(copy) != 8:
                MemoryMarshal.Write(copy.AsSpan(12 + (random.Next(Math.Max(1, (copy.Length - 16) / 4)) * 4)), Pick(random, Numbers));
                break;
            default:
                copy[12 + random.Next(copy.Length - 12)] = (byte)random.Next(256);
                break;
        }
    }

    private void AddValue(GgufImage image, Random random)
    {
        var key = Pick(random, _extraKeys);
        switch (random.Next(6))
        {
            case 0:
                image.SetSingle(key, Pick(random, Floats));
                break;
            case 1:
                image.SetBool(key, random.Next(2) == 0);
                break;
            case 2:
                image.SetNumbers(key, Pick(random, [GgufValueType.UInt32, GgufValueType.Int32, GgufValueType.Float32]),
                    [Pick(random, Numbers), Pick(random, Numbers), 1u, 0u]);
                break;
            default:
                image.SetUInt32(key, Pick(random, Numbers));
                break;
        }
    }

    private static void ChangeTokens(GgufImage image, Random random)
    {
        var key = random.Next(3) == 0 ? "tokenizer.ggml.merges" : "tokenizer.ggml.tokens";
        if (!image.HoldsStrings(key))
            return;
        var strings = image.Strings(key);
        if (strings.Count == 0)
            return;
        for (var i = random.Next(3); i >= 0; i--)
        {
            var at = random.Next(strings.Count);
            strings[at] = random.Next(8) switch
            {
                0 => [],
                1 => strings[random.Next(strings.Count)],
                2 => [.. strings[at], 0, 1],
                3 => [0xFF, 0xFE, (byte)random.Next(256)],
                4 => Encoding.UTF8.GetBytes(new string('a', random.Next(3000))),
                5 => "<|im_end|>"u8.ToArray(),
                6 => [(byte)' ', .. strings[at]],
                _ => [(byte)random.Next(256)],
            };
        }

        image.SetStrings(key, strings);
    }

    private static string Rename(string name, Random random) => random.Next(6) switch
    {
        0 => name.Replace("blk.0", "blk.99", StringComparison.Ordinal),
        1 => name + "x",
        2 => name.Replace("weight", "bias", StringComparison.Ordinal),
        3 => name.Replace("attn_q", "attn_qkv", StringComparison.Ordinal),
        4 => name.Replace(".lora_a", ".lora_b", StringComparison.Ordinal),
        _ => "token_embd.weight",
    };

    private static long[] ChangeShape(long[] shape, Random random)
    {
        var copy = (long[])shape.Clone();
        var i = random.Next(copy.Length);
        switch (random.Next(6))
        {
            case 0:
                Array.Reverse(copy);
                return copy;
            case 1:
                return [.. copy, 1];
            case 2:
                copy[i] *= 2;
                break;
            case 3:
                copy[i] = Math.Max(1, copy[i] / 2);
                break;
            case 4:
                copy[i] += 32;
                break;
            default:
                copy[i] = Pick(random, Numbers);
                break;
        }

        return copy;
    }

    private static void Update(GgufImage image, Random random, Func<GgufImage.Tensor, GgufImage.Tensor> change)
    {
        var i = random.Next(image.Tensors.Count);
        image.Tensors[i] = change(image.Tensors[i]);
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
