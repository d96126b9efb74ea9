using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf.Tests.Products;

public sealed class ProductKernelTests
{
    public static TheoryData<int, string, int, int, int, int> Shapes
    {
        get
        {
            var data = new TheoryData<int, string, int, int, int, int>();
            foreach (var bits in new[] { 256, 512 })
                AddShapes(data, bits);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ProductsAreThoseOfTheRoundedInputs(int bits, string format, int columns, int inputs, int rows, int threads)
    {
        using var one = new ProductCase(rows, Enum.Parse<WeightFormat>(format), columns, inputs, rows, ProductCase.Instructions(bits));
        var actual = one.Compute(0, rows, threads);
        for (var row = 0; row < rows; row++)
        {
            var (values, sizes) = one.Expected(row);
            for (var column = 0; column < columns; column++)
                Assert.True(Math.Abs(actual[row][column] - values[column]) <= 2e-6 * (sizes[column] + 1e-9), $"row {row}, column {column}: {actual[row][column]} instead of {values[column]}");
        }
    }

    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    public void ARowDoesNotDependOnTheRowsBesideIt(int bits)
    {
        using var one = new ProductCase(3, WeightFormat.InterleavedIQ4_NL, 48, 320, 40, ProductCase.Instructions(bits));
        var together = one.Compute(0, 40, 2);
        for (var row = 0; row < 40; row++)
            Assert.Equal(together[row], one.Compute(row, row + 1, 1)[0]);
        Assert.Equal(together[7..20], one.Compute(7, 20, 3));
    }

    [Theory]
    [InlineData("Q8_0")]
    [InlineData("Q5_1")]
    [InlineData("Q6_K")]
    [InlineData("InterleavedIQ4_NL")]
    public void BothInstructionSetsGiveTheSameBits(string format)
    {
        using var wide = new ProductCase(5, Enum.Parse<WeightFormat>(format), 48, 512, 17, ProductCase.Instructions(512));
        using var narrow = new ProductCase(5, Enum.Parse<WeightFormat>(format), 48, 512, 17, ProductCase.Instructions(256));
        Assert.Equal(wide.Compute(0, 17, 2), narrow.Compute(0, 17, 2));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    public void RowsOfZerosGiveZerosAndOneLargeInputIsNotLost(int bits)
    {
        using var one = new ProductCase(4, WeightFormat.Q8_0, 16, 64, 2, ProductCase.Instructions(bits));
        one.Inputs(0).Clear();
        one.Inputs(1).Clear();
        one.Inputs(1)[40] = -3e8f;
        var actual = one.Compute(0, 2, 1);
        Assert.All(actual[0], v => Assert.Equal(0, v));
        var (values, _) = one.Expected(1);
        Assert.All(actual[1].Zip(values), v => Assert.Equal(v.Second, v.First, Math.Abs(v.Second) * 1e-6));
    }

    private static void AddShapes(TheoryData<int, string, int, int, int, int> data, int bits)
    {
        for (var rows = 1; rows <= 26; rows++)
        {
            data.Add(bits, "Q8_0", 32 + rows, 96, rows, 1 + (rows % 3));
            data.Add(bits, "Q6_K", 16 + rows, 256, rows, 2);
            data.Add(bits, "Q5_K", 16 + rows, 256, rows, 2);
        }
        foreach (var rows in new[] { 1, 5, 12, 13, 100 })
        {
            data.Add(bits, "InterleavedIQ4_NL", 72, 544, rows, 2);
            data.Add(bits, "InterleavedQ4_0", 64, 32, rows, 2);
            data.Add(bits, "InterleavedQ4_K", 40, 512, rows, 2);
            data.Add(bits, "Q4_1", 33, 64, rows, 2);
            // Several parts of a panel, the last one shorter.
            data.Add(bits, "Q8_0", 40, 2080, rows, 2);
            data.Add(bits, "Q6_K", 20, 2304, rows, 2);
            data.Add(bits, "InterleavedIQ4_NL", 24, 2080, rows, 2);
            data.Add(bits, "InterleavedQ4_K", 24, 2304, rows, 2);
            data.Add(bits, "Q5_0", 33, 64, rows, 2);
            data.Add(bits, "Q5_1", 33, 64, rows, 2);
        }
    }
}
