using InferenceHost.Core.Scheduling;

namespace InferenceHost.Core.Tests.Scheduling;

public sealed class SwapCostTests
{
    private const long Bytes = 100 << 20;

    [Fact]
    public void NothingPaysBeforeATokensTimeIsKnown() => Assert.False(new SwapCost().PaysBothWays(1, 1000, 0));

    [Fact]
    public void CopyingPaysWhereItIsFasterThanComputing()
    {
        // 100 MiB at an assumed 1 GiB/s are 0.1 s each way.
        var cost = new SwapCost();
        Assert.True(cost.PaysBothWays(Bytes, 1000, 0.000_3));
        Assert.False(cost.PaysBothWays(Bytes, 1000, 0.000_15));
        Assert.True(cost.PaysBack(Bytes, 1000, 0.000_15));
        Assert.False(cost.PaysBack(Bytes, 500, 0.000_15));
    }

    [Fact]
    public void EachDirectionLearnsFromItsOwnCopies()
    {
        var cost = new SwapCost();
        for (var i = 0; i < 50; i++) cost.ObserveSave(Bytes, 1);
        Assert.False(cost.PaysBothWays(Bytes, 1000, 0.000_5));
        Assert.True(cost.PaysBack(Bytes, 1000, 0.000_5));
        for (var i = 0; i < 50; i++) cost.ObserveRestore(Bytes, 1);
        Assert.False(cost.PaysBack(Bytes, 1000, 0.000_5));
    }

    [Fact]
    public void AnUnluckyMeasurementFades()
    {
        var cost = new SwapCost();
        cost.ObserveSave(Bytes, 30);
        var refusals = 0;
        while (!cost.PaysBothWays(Bytes, 1000, 0.001)) Assert.True(++refusals < 200);
        Assert.True(refusals > 20);
    }
}
