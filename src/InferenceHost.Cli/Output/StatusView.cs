using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Output;

/// <summary>State and counters of a server, for people.</summary>
internal static class StatusView
{
    public static void Write(CliContext cli, GetStatsResponse stats)
    {
        var facts = new FactsView()
            .Add("state", stats.State)
            .Add("version", stats.Version)
            .Add("up", Quantities.Duration(TimeSpan.FromSeconds(stats.UptimeSeconds)))
            .Add("model", stats.Model.Length > 0 ? stats.Model : "none")
            .Add("engine process", stats.EngineProcessId > 0 ? $"{stats.EngineProcessId}, restarted {stats.EngineRestarts} times" : $"none, restarted {stats.EngineRestarts} times");
        if (stats.StalledStreams > 0)
            facts.Add("stalled streams", $"{Quantities.Count(stats.StalledStreams)} ended because nobody read them");
        if (stats.Engine is { } engine)
            AddEngine(facts, engine);
        facts.Write(cli);
    }

    private static void AddEngine(FactsView facts, LoadedModelStats engine)
    {
        facts.Add("sequences", $"{engine.Running} running, {engine.Waiting} waiting, {Quantities.Count(engine.Preemptions)} preempted so far")
            .Add("KV cells", $"{Quantities.Count(engine.UsedCells)} of {Quantities.Count(engine.TotalCells)} in use, {Quantities.Count(engine.CachedCells)} of them only by the prefix cache")
            .Add("requests", $"{Quantities.Count(engine.FinishedRequests)} ended, {Quantities.Count(engine.RefusedRequests)} refused")
            .Add("tokens", $"{Quantities.Count(engine.PrefillTokens)} prefilled, {Quantities.Count(engine.PrefixHitTokens)} from the prefix cache, {Quantities.Count(engine.DecodeTokens)} generated in {Quantities.Count(engine.Steps)} steps");
        if (engine.SwappedOutTokens > 0)
            facts.Add("swapped", $"{Quantities.Count(engine.SwappedOutTokens)} tokens to host memory, {Quantities.Count(engine.SwappedInTokens)} back, {Quantities.Bytes(engine.SwapBytesHeld)} held");
        if (engine.DraftTokens > 0)
            facts.Add("drafts", $"{Quantities.Count(engine.AcceptedDraftTokens)} of {Quantities.Count(engine.DraftTokens)} tokens accepted");
        if (engine.AdapterSlots > 0)
        {
            facts.Add("adapter slots", $"{engine.AdapterSlotsUsed} of {engine.AdapterSlots} in use, "
                + $"{Quantities.Count(engine.AdapterLoads)} loads, {Quantities.Count(engine.AdapterEvictions)} evictions");
        }
    }
}
