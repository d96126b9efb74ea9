namespace InferenceHost.Cli.Bench.Workload;

/// <summary>
/// Makes the requests of a round. They depend on seed, level, round and place alone, so that all targets of a round get the same ones,
/// while no two rounds share a random prompt.
/// </summary>
internal sealed record WorkloadPlan
{
    /// <summary>Where prompts come from.</summary>
    public IPromptSource Prompts { get; init; } = new RandomIdPrompts(RandomIdPrompts.DefaultVocabulary);

    /// <summary>Fixed prompt length, tokens; <see langword="null"/> = as the source has it or <see cref="Lengths"/> says.</summary>
    public int? PromptLength { get; init; }

    /// <summary>Random lengths; <see langword="null"/> = fixed ones.</summary>
    public LengthDistribution? Lengths { get; init; }

    /// <summary>Upper limit of drawn prompt lengths, tokens.</summary>
    public int MaxPromptTokens { get; init; } = 2048;

    /// <summary>Tokens to generate; with <see cref="Lengths"/> the upper limit of the drawn length.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Dealt round-robin: to streams in a closed loop, to requests in an open one. Empty = base model.</summary>
    public IReadOnlyList<string> Adapters { get; init; } = [];

    /// <summary>As in <see cref="BenchRequest"/>.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>As in <see cref="BenchRequest"/>.</summary>
    public float Temperature { get; init; }

    /// <summary>As in <see cref="BenchRequest"/>.</summary>
    public bool CachePrompt { get; init; } = true;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; }

    /// <summary>The requests of each stream of a closed loop.</summary>
    /// <param name="streams">Streams.</param>
    /// <param name="perStream">Requests that each sends, one after another.</param>
    /// <param name="round">Number of the round; negative for warm-up.</param>
    public BenchRequest[][] Closed(int streams, int perStream, int round)
    {
        var all = new BenchRequest[streams][];
        for (var stream = 0; stream < streams; stream++)
        {
            all[stream] = new BenchRequest[perStream];
            for (var i = 0; i < perStream; i++) all[stream][i] = Request(streams, round, i * streams + stream, AdapterOf(stream));
        }
        return all;
    }

    /// <summary>The requests of an open loop with their arrival times, seconds from the start of the round.</summary>
    public (BenchRequest[] Requests, double[] ArrivalSeconds) Open(double ratePerSecond, int count, int round)
    {
        var level = BitConverter.DoubleToInt64Bits(ratePerSecond);
        var requests = new BenchRequest[count];
        for (var i = 0; i < count; i++) requests[i] = Request(level, round, i, AdapterOf(i));
        return (requests, PoissonArrivals.Schedule(ratePerSecond, count, SeededRandom.Derive(Seed, level, round, -1)));
    }

    /// <summary>One request apart from any loop.</summary>
    /// <param name="kind">Keeps the random parts of different uses apart.</param>
    /// <param name="round">Number of the round.</param>
    /// <param name="ordinal">Number within the round.</param>
    /// <param name="adapter">Adapter, or <see langword="null"/>.</param>
    public BenchRequest Request(long kind, int round, int ordinal, string? adapter)
    {
        var random = SeededRandom.Derive(Seed, kind, round, ordinal);
        var promptLength = Lengths?.NextPrompt(random, MaxPromptTokens) ?? PromptLength;
        var maxTokens = Lengths?.NextOutput(random, MaxTokens) ?? MaxTokens;
        return new BenchRequest
        {
            Prompt = Prompts.Next(ordinal, promptLength, random),
            MaxTokens = maxTokens,
            Adapter = adapter,
            IgnoreEos = IgnoreEos,
            Temperature = Temperature,
            CachePrompt = CachePrompt,
            Seed = random.NextUInt64() & uint.MaxValue,
        };
    }

    /// <summary>Adapter of a place in the round-robin; <see langword="null"/> for the base model.</summary>
    public string? AdapterOf(int place)
    {
        if (Adapters.Count == 0) return null;
        var name = Adapters[place % Adapters.Count];
        return name == BenchRequest.BaseAdapter ? null : name;
    }
}
