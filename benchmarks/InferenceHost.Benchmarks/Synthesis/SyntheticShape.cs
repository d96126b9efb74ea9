using System.Globalization;

namespace InferenceHost.Benchmarks.Synthesis;

/// <summary>Shape of a model of the architecture llama; widths are multiples of 256.</summary>
internal sealed record SyntheticShape(int Layers, int Embedding, int FeedForward, int Heads, int KvHeads)
{
    /// <summary>Reads <c>8b</c> (Llama 3 8B) or <c>LAYERSxEMBEDDINGxFEEDFORWARDxHEADSxKVHEADS</c>.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static SyntheticShape Parse(string text)
    {
        if (text == "8b")
            return new SyntheticShape(32, 4096, 14336, 32, 8);
        var numbers = text.Split('x').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0).ToArray();
        if (numbers.Length != 5 || numbers.Any(number => number < 1) || numbers[1] % 256 != 0 || numbers[2] % 256 != 0 || numbers[1] % numbers[3] != 0 || numbers[3] % numbers[4] != 0)
            throw new FormatException($"'{text}' is no shape: '8b', or layers x embedding x feed-forward x heads x kv heads, e.g. 32x4096x14336x32x8, widths multiples of 256");
        return new SyntheticShape(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    }
}
