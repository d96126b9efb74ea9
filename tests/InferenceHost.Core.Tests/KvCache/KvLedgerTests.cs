using InferenceHost.Core.Execution;
using InferenceHost.Core.KvCache;

namespace InferenceHost.Core.Tests.KvCache;

public sealed class KvLedgerTests
{
    private static readonly PrefixKey Key = new("tenant", "", 1);

    [Fact]
    public void SharedCellsAreCountedOnce()
    {
        var ledger = new KvLedger(100, 8);
        Fill(ledger, 0, Key, [1, 2, 3, 4, 5]);
        ledger.OpenShared(Seq(1), Seq(0), 3, 10);
        Commit(ledger, 1, [9, 9]);
        Assert.Equal(7, ledger.Used);
        Assert.Equal(5, ledger.Length(Seq(1)));
        ledger.CheckInvariants();
    }

    [Fact]
    public void SharedCellsStayUntilTheLastHolderCloses()
    {
        var ledger = new KvLedger(100, 8);
        Fill(ledger, 0, Key, [1, 2, 3, 4, 5]);
        ledger.OpenShared(Seq(1), Seq(0), 3, 10);
        Commit(ledger, 1, [9]);
        ledger.Close(Seq(0));
        Assert.Equal(4, ledger.Used);
        ledger.CheckInvariants();
        ledger.Close(Seq(1));
        Assert.Equal(0, ledger.Used);
        Assert.Equal(ledger.Acquired, ledger.Released);
    }

    [Fact]
    public void OwnCellsAreWhatClosingFrees()
    {
        var ledger = new KvLedger(100, 8);
        Fill(ledger, 0, Key, [1, 2, 3, 4, 5]);
        Assert.Equal(5, ledger.CountOwnCells(Seq(0)));
        ledger.OpenShared(Seq(1), Seq(0), 3, 10);
        Commit(ledger, 1, [9]);
        Assert.Equal((2, 1), (ledger.CountOwnCells(Seq(0)), ledger.CountOwnCells(Seq(1))));
        ledger.Close(Seq(0));
        Assert.Equal(4, ledger.CountOwnCells(Seq(1)));
    }

    [Fact]
    public void MatchFindsTheLongestPrefixOfTheSameKeyOnly()
    {
        var ledger = new KvLedger(100, 8);
        Fill(ledger, 0, Key, [1, 2, 3, 4, 5]);
        Fill(ledger, 1, Key, [1, 2, 7, 7]);
        Assert.True(ledger.TryMatch(Key, [1, 2, 7, 8], out var source, out var matched));
        Assert.Equal((1, 3), (source.Value, matched));
        Assert.True(ledger.TryMatch(Key, [1, 2, 3, 4, 5, 6], out source, out matched));
        Assert.Equal((0, 5), (source.Value, matched));
        Assert.False(ledger.TryMatch(Key, [2, 2], out _, out _));
        Assert.False(ledger.TryMatch(Key with { Tenant = "other" }, [1, 2, 3], out _, out _));
        Assert.False(ledger.TryMatch(Key with { AdapterGeneration = "a" }, [1, 2, 3], out _, out _));
        Assert.False(ledger.TryMatch(Key with { AdapterScale = 2 }, [1, 2, 3], out _, out _));
    }

    [Fact]
    public void RetainingWhatAnotherHoldsIsRefused()
    {
        var ledger = new KvLedger(100, 8);
        Fill(ledger, 0, Key, [1, 2, 3]);
        Assert.True(ledger.TryRetain(Seq(0)));
        Fill(ledger, 1, Key, [1, 2, 3]);
        Assert.False(ledger.TryRetain(Seq(1)));
        Fill(ledger, 2, Key, [1, 2]);
        Assert.False(ledger.TryRetain(Seq(2)));
        Fill(ledger, 3, Key, [1, 2, 3, 4]);
        Assert.True(ledger.TryRetain(Seq(3)));
        ledger.CheckInvariants();
    }

    [Fact]
    public void RetainedSequenceThatALongerOneSharesWhollyIsRedundant()
    {
        var ledger = new KvLedger(100, 8);
        Fill(ledger, 0, Key, [1, 2, 3]);
        ledger.TryRetain(Seq(0));
        ledger.OpenShared(Seq(1), Seq(0), 3, 10);
        Commit(ledger, 1, [4, 5]);
        Assert.True(ledger.TryFindRedundant(Seq(1), out var redundant));
        Assert.Equal(0, redundant.Value);
        ledger.Close(redundant);
        Assert.Equal(5, ledger.Used);
        ledger.CheckInvariants();
    }

    [Fact]
    public void LeastRecentlyUsedIsFoundByUse()
    {
        var ledger = new KvLedger(100, 8);
        for (var i = 0; i < 3; i++)
        {
            Fill(ledger, i, Key, [10 + i, 1, 2]);
            ledger.TryRetain(Seq(i));
        }
        ledger.TryMatch(Key, [10, 1], out _, out _);
        Assert.True(ledger.TryFindLeastRecentlyUsed(out var oldest));
        Assert.Equal(1, oldest.Value);
    }

    [Fact]
    public void ReservationThatIsNotCommittedIsGivenBack()
    {
        var ledger = new KvLedger(10, 2);
        ledger.Open(Seq(0), Key, 10);
        Assert.False(ledger.TryReserve(11, out _));
        Assert.True(ledger.TryReserve(10, out var reservation));
        using (reservation)
        {
            reservation.Commit(Seq(0), [1, 2, 3]);
            Assert.Equal(0, ledger.Free);
        }
        Assert.Equal(7, ledger.Free);
        ledger.CheckInvariants();
    }

    [Fact]
    public void OnlyThePrivateEndCanBeTruncated()
    {
        var ledger = new KvLedger(100, 4);
        Fill(ledger, 0, Key, [1, 2, 3, 4]);
        ledger.OpenShared(Seq(1), Seq(0), 2, 8);
        Commit(ledger, 1, [5, 6]);
        ledger.Truncate(Seq(1), 3);
        Assert.Equal(5, ledger.Used);
        Assert.Throws<ArgumentOutOfRangeException>(() => ledger.Truncate(Seq(1), 1));
        ledger.CheckInvariants();
    }

    [Fact]
    public void RandomSharingKeepsTheBooksExact()
    {
        var random = new Random(3);
        var ledger = new KvLedger(100_000, 24);
        // What the cells are, told apart by identity: the books must come to the same number.
        var cells = new Dictionary<int, List<object>>();
        for (var step = 0; step < 20_000; step++)
        {
            var number = random.Next(24);
            if (!cells.TryGetValue(number, out var held))
            {
                Open(number);
            }
            else if (random.Next(3) == 0)
            {
                ledger.Close(Seq(number));
                cells.Remove(number);
            }
            else
            {
                var tokens = Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(3)).ToArray();
                Commit(ledger, number, tokens);
                held.AddRange(tokens.Select(_ => new object()));
            }
            Assert.Equal(cells.Values.SelectMany(c => c).Distinct().Count(), ledger.Used);
            if (step % 100 == 0) ledger.CheckInvariants();
        }

        void Open(int number)
        {
            var sources = cells.Keys.ToArray();
            if (sources.Length == 0 || random.Next(2) == 0)
            {
                ledger.Open(Seq(number), Key, 4);
                cells[number] = [];
                return;
            }
            var source = sources[random.Next(sources.Length)];
            var shared = random.Next(cells[source].Count + 1);
            ledger.OpenShared(Seq(number), Seq(source), shared, 4);
            cells[number] = [.. cells[source].Take(shared)];
        }
    }

    private static EngineSequence Seq(int number) => new(number);

    private static void Fill(KvLedger ledger, int number, PrefixKey key, int[] tokens)
    {
        ledger.Open(Seq(number), key, tokens.Length);
        Commit(ledger, number, tokens);
    }

    private static void Commit(KvLedger ledger, int number, int[] tokens)
    {
        Assert.True(ledger.TryReserve(tokens.Length, out var reservation));
        using (reservation) reservation.Commit(Seq(number), tokens);
    }
}
