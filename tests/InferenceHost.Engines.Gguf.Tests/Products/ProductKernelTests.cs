using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf.Tests.Products;

public sealed class ProductKernelTests
{
    public static TheoryData<string, int, int, int, int> Shapes
    {
        get
        {
            var data = new TheoryData<string, int, int, int, int>();
            for (var rows = 1; rows <= 26; rows++)
            {
                data.Add("Q8_0", 32 + rows, 96, rows, 1 + (rows % 3));
                data.Add("Q6_K", 16 + rows, 256, rows, 2);
                data.Add("Q5_K", 16 + rows, 256, rows, 2);
            }
            foreach (var rows in new[] { 1, 5, 12, 13, 100 })
            {
                data.Add("InterleavedIQ4_NL", 72, 544, rows, 2);
                data.Add("InterleavedQ4_0", 64, 32, rows, 2);
                data.Add("InterleavedQ4_K", 40, 512, rows, 2);
                data.Add("Q4_1", 33, 64, rows, 2);
                data.Add("Q5_0", 33, 64, rows, 2);
                data.Add("Q5_1", 33, 64, rows, 2);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ProductsAreThoseOfTheRoundedInputs(string format, int columns, int inputs, int rows, int threads)
    {
        ProductCase.SkipWithoutKernel();
        using var one = new ProductCase(rows, Enum.Parse<WeightFormat>(format), columns, inputs, rows);
        var actual = one.Compute(0, rows, threads);
        for (var row = 0; row < rows; row++)
        {
            var (values, sizes) = one.Expected(row);
            for (var column = 0; column < columns; column++)
                Assert.True(Math.Abs(actual[row][column] - values[column]) <= 2e-6 * (sizes[column] + 1e-9), $"row {row}, column {column}: {actual[row][column]} instead of {values[column]}");
        }
    }

    [Fact]
    public void ARowDoesNotDependOnTheRowsBesideIt()
    {
        ProductCase.SkipWithoutKernel();
        using var one = new ProductCase(3, WeightFormat.InterleavedIQ4_NL, 48, 320, 40);
        var together = one.Compute(0, 40, 2);
        for (var row = 0; row < 40; row++)
            Assert.Equal(together[row], one.Compute(row, row + 1, 1)[0]);
        Assert.Equal(together[7..20], one.Compute(7, 20, 3));
    }

    [Fact]
    public void RowsOfZerosGiveZerosAndOneLargeInputIsNotLost()
    {
        ProductCase.SkipWithoutKernel();
        using var one = new ProductCase(4, WeightFormat.Q8_0, 16, 64, 2);
        one.Inputs(0).Clear();
        one.Inputs(1).Clear();
        one.Inputs(1)[40] = -3e8f;
        var actual = one.Compute(0, 2, 1);
        Assert.All(actual[0], v => Assert.Equal(0, v));
        var (values, _) = one.Expected(1);
        Assert.All(actual[1].Zip(values), v => Assert.Equal(v.Second, v.First, Math.Abs(v.Second) * 1e-6));
    }
}
