using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Execution;
using InferenceHost.Core.KvCache;

namespace InferenceHost.Benchmarks.Execution;

/// <summary>Matching a prompt of 1,024 tokens against a cache of 100 sequences that share a system prompt.</summary>
[MemoryDiagnoser]
public class PrefixTreeBenchmark
{
    private static readonly PrefixKey Key = new("tenant", "", 1);
    private readonly KvLedger _ledger = new(1 << 20, 128);
    private int[] _prompt = [];

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        var system = Enumerable.Range(0, 512).Select(_ => random.Next(50_000)).ToArray();
        for (var i = 0; i < 100; i++)
        {
            _prompt = [.. system, .. Enumerable.Range(0, 512).Select(_ => random.Next(50_000))];
            var sequence = new EngineSequence(i);
            if (i == 0) _ledger.Open(sequence, Key, _prompt.Length);
            else _ledger.OpenShared(sequence, new EngineSequence(0), system.Length, _prompt.Length);
            var rest = i == 0 ? _prompt : _prompt[system.Length..];
            if (!_ledger.TryReserve(rest.Length, out var reservation)) throw new InvalidOperationException("no room");
            using (reservation) reservation.Commit(sequence, rest);
        }
    }

    [Benchmark]
    public int Match()
    {
        _ledger.TryMatch(Key, _prompt, out _, out var matched);
        return matched;
    }
}
