using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf.Tests.Products;

public sealed unsafe class WeightPanelTests
{
    [Theory]
    [InlineData("Q8_0", 16, 32)]
    [InlineData("Q8_0", 37, 96)]
    [InlineData("Q5_0", 33, 96)]
    [InlineData("Q5_1", 16, 64)]
    [InlineData("Q4_1", 47, 64)]
    [InlineData("Q5_K", 35, 768)]
    [InlineData("Q6_K", 35, 768)]
    [InlineData("InterleavedIQ4_NL", 16, 32)]
    [InlineData("InterleavedIQ4_NL", 40, 160)]
    [InlineData("InterleavedQ4_0", 24, 96)]
    [InlineData("InterleavedQ4_K", 24, 768)]
    public void EveryColumnOfAWeightIsReadAsItsFormatSays(string format, int columns, int inputs)
    {
        AssertRead(Enum.Parse<WeightFormat>(format), columns, inputs, 256);
        if (ProductInstructionSets.Best(512) == ProductInstructions.Bytes512)
            AssertRead(Enum.Parse<WeightFormat>(format), columns, inputs, 512);
    }

    private static void AssertRead(WeightFormat format, int columns, int inputs, int bits)
    {
        using var weight = new QuantizedWeight(1, format, columns, inputs, ProductCase.Instructions(bits));
        var layout = weight.Weight.Layout;
        var panel = new byte[weight.Weight.Blocks * layout.PanelBlockBytes];
        for (var number = 0; number < weight.Weight.Panels; number++)
            fixed (byte* start = panel)
            {
                ReadInParts(weight.Weight, number, start);
                for (var at = 0; at < Math.Min(16, columns - (number * 16)); at++)
                    for (var input = 0; input < inputs; input++)
                        Assert.Equal(weight.Values[(number * 16) + at, input], Value(layout, start, at, input), 1e-6 * Math.Max(1, Math.Abs(weight.Values[(number * 16) + at, input])));
            }
    }

    // Two parts of different length where there are inputs for two.
    private static void ReadInParts(in ProductWeight weight, int panel, byte* target)
    {
        var first = weight.Inputs / 2 / weight.Format.StoredInputs() * weight.Format.StoredInputs();
        if (first > 0)
            WeightPanel.Read(weight, new PanelPart(panel, 0, first, 1), target);
        WeightPanel.Read(weight, new PanelPart(panel, first, weight.Inputs - first, 1), target + (first / weight.Layout.BlockInputs * weight.Layout.PanelBlockBytes));
    }

    private static double Value(ProductLayout layout, byte* panel, int column, int input)
    {
        var block = panel + (input / layout.BlockInputs * layout.PanelBlockBytes);
        var i = input % layout.BlockInputs;
        var place = (i / layout.InputsPerLane * 16 * layout.InputsPerLane) + (column * layout.InputsPerLane) + (i % layout.InputsPerLane);
        var quant = layout.QuantBytes == 1 ? block[layout.HeaderBytes + place] - layout.Bias : ((short*)(block + layout.HeaderBytes))[place];
        return ((double)((float*)block)[column] * quant) + (layout.HasOffsets ? ((float*)block)[16 + column] : 0);
    }
}
