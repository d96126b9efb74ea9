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
        ProductCase.SkipWithoutKernel();
        using var weight = new QuantizedWeight(1, Enum.Parse<WeightFormat>(format), columns, inputs);
        var layout = weight.Weight.Layout;
        var panel = new byte[weight.Weight.Blocks * layout.PanelBlockBytes];
        for (var number = 0; number < weight.Weight.Panels; number++)
            fixed (byte* start = panel)
            {
                WeightPanel.Read(weight.Weight, number, 1, start);
                for (var at = 0; at < Math.Min(16, columns - (number * 16)); at++)
                    for (var input = 0; input < inputs; input++)
                        Assert.Equal(weight.Values[(number * 16) + at, input], Value(layout, start, at, input), 1e-6 * Math.Max(1, Math.Abs(weight.Values[(number * 16) + at, input])));
            }
    }

    private static double Value(ProductLayout layout, byte* panel, int column, int input)
    {
        var block = panel + (input / layout.BlockInputs * layout.PanelBlockBytes);
        var i = input % layout.BlockInputs;
        var quant = block[layout.HeaderBytes + (i / 4 * 64) + (column * 4) + (i % 4)] - ProductLayout.Bias;
        return ((double)((float*)block)[column] * quant) + (layout.HasOffsets ? ((float*)block)[16 + column] : 0);
    }
}
