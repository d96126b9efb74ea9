namespace InferenceHost.Worker.Tests;

public sealed class SwapMemoryBudgetTests
{
    [Theory]
    [InlineData(64L << 30, 1L << 30)]
    [InlineData(4L << 30, 1L << 30)]
    [InlineData(1L << 30, 256L << 20)]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    public void AQuarterOfWhatIsAvailableButAGibibyteAtMost(long available, long expected) => Assert.Equal(expected, SwapMemoryBudget.Of(available));

    [Fact]
    public void TheKernelsLineIsRead()
    {
        Assert.True(SwapMemoryBudget.TryReadAvailable(["MemTotal:       24656468 kB", "MemAvailable:   24117248 kB", "Cached: 1 kB"], out var bytes));
        Assert.Equal(24_117_248L * 1024, bytes);
        Assert.False(SwapMemoryBudget.TryReadAvailable(["MemAvailable: many kB", "MemFree: 7 kB"], out _));
    }

    [Fact]
    public void ThisMachineHasSome() => Assert.InRange(SwapMemoryBudget.ForMachine(), 1, 1L << 30);
}
