using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf.Tests.Products;

public sealed unsafe class WeightPanelTests
{
    [Theory]
    [InlineData("Q8", 16, 32)]
    [InlineData("Q8", 37, 96)]
    [InlineData("InterleavedIq4", 16, 32)]
    [InlineData("InterleavedIq4", 40, 160)]
    [InlineData("InterleavedQ4", 24, 96)]
    public void EveryColumnOfAWeightIsReadAsItsFormatSays(string format, int columns, int inputs)
    {
        ProductCase.SkipWithoutKernel();
        using var weight = new QuantizedWeight(1, Enum.Parse<WeightFormat>(format), columns, inputs);
        var panel = new byte[weight.Weight.Blocks * ProductLayout.PanelBlockBytes];
        for (var number = 0; number < weight.Weight.Panels; number++)
            fixed (byte* start = panel)
            {
                WeightPanel.Read(weight.Weight, number, 1, start);
                for (var at = 0; at < Math.Min(16, columns - (number * 16)); at++)
                    AssertColumn(weight, (number * 16) + at, start, at);
            }
    }

    private static void AssertColumn(QuantizedWeight weight, int column, byte* panel, int at)
    {
        for (var block = 0; block < weight.Weight.Blocks; block++)
        {
            var start = panel + (block * ProductLayout.PanelBlockBytes);
            Assert.Equal(weight.Scales[column, block], ((float*)start)[at]);
            for (var i = 0; i < 32; i++)
                Assert.Equal(weight.Quants[column, (block * 32) + i], start[ProductLayout.ScaleBytes + (i / 4 * 64) + (at * 4) + (i % 4)] - ProductLayout.WeightBias);
        }
    }
}
