using System.Globalization;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// Compares routing with llama.cpp's own way on the loaded model, with the pattern's random numbers: sequences with the adapter must come out as llama.cpp
/// computes them under it, sequences without as the base model does, in one batch. Also shows which modules the graph applies adapters to.
/// On a device further steps come in the ways that serve: the same shape until a CUDA graph of it is replayed, for other rows too, a row at a time, with and without factors, as narrow and as wide as adapters can be, and a full chunk.
/// </summary>
/// <param name="router">What is tested.</param>
/// <param name="context">Its context.</param>
/// <param name="decoder">The decoder of that.</param>
/// <param name="vocabularySize">Tokens are below this.</param>
/// <param name="pattern">Reads the pattern with a strength of its own.</param>
internal sealed class RoutingSelfTest(AdapterRouter router, LlamaContextHandle context, Decoder decoder, int vocabularySize, Func<float, RoutedAdapter> pattern)
{
    /// <summary>Sequences it needs.</summary>
    public const int Sequences = 6;

    /// <summary>Rows of one call it needs.</summary>
    public const int BatchTokens = Sequences * Tokens;

    private const int Tokens = 3, Slot = 1;

    // llama.cpp computes a new graph, captures it when it comes again, and replays it from then on.
    private const int StepsToReplay = 3;

    // Far enough from the base that 8-bit activations do not blur the picture, near enough that the model still computes something.
    private const double MinDistance = 0.15, MaxDistance = 1.5;

    // Of the distance between base and adapter. Routing done wrong shows as about 1.
    private const double Tolerance = 0.25;

    /// <summary>Null where routing works, else why not.</summary>
    public string? Run()
    {
        var batch = new StepBatch(Sequences * Tokens);
        var zero = new float[Sequences];
        router.IsOn = false;
        router.SetPattern(context, 0);
        if (Decode(batch, zero) is not { } plain)
            return "the model could not be decoded";
        var strength = 1f;
        float[][]? own = null;
        for (var attempt = 0; attempt < 8; attempt++)
        {
            router.SetPattern(context, strength);
            own = Decode(batch, zero);
            if (own is null)
                return "the model could not be decoded under llama.cpp's own adapter";
            var distance = Enumerable.Range(0, Sequences).Average(i => SelfTestLogits.Distance(own[i], plain[i]));
            if (distance is >= MinDistance and <= MaxDistance)
                break;
            if (distance == 0)
                return "llama.cpp applies adapters to none of this model's matrices";
            strength *= distance < MinDistance ? 3f : 0.4f;
        }

        // What the device's backend takes for itself as it goes must not be missing later.
        if (router.IsStacked && !DecodeChunk(0))
            return "the model could not be decoded in full chunks";
        if (router.Reserve() is { } missing)
            return missing;

        router.SetPattern(context, 1);
        router.IsOn = true;
        try
        {
            // Factors of 1 first: nodes for others stay for a while.
            if (router.IsStacked && (Test(batch, strength, 1, own!, plain) ?? TestChunk()) is { } fault)
                return fault;
            router.IsWide = true;
            return Test(batch, strength / 2, 2, own!, plain);
        }
        finally
        {
            router.IsWide = false;
            router.Clear(Slot);
        }
    }

    // The pattern with a strength, for rows with a factor.
    private string? Test(StepBatch batch, float strength, float factor, float[][] own, float[][] plain)
    {
        using (var adapter = pattern(strength))
            while (!router.Install(Slot, adapter)) ;
        // Half of the sequences with the adapter and half without, and the other way round; where rows cannot be mixed, first all, then none.
        var isMixed = router.Mode == AdapterMode.PerRow;
        float[] first = [.. Enumerable.Range(0, Sequences).Select(i => isMixed && i % 2 != 0 ? 0 : factor)];
        float[] second = [.. first.Select(scale => scale == 0 ? factor : 0)];
        for (var step = 0; step < (router.IsStacked ? StepsToReplay : 1); step++)
            if (Verdict(batch, first, own, plain) is { } fault)
                return fault;
        if (router.IsStacked || !isMixed)
            if (Verdict(batch, second, own, plain) is { } fault)
                return fault;
        return router.IsStacked ? TestRows(factor, own[0], plain[0]) ?? TestRows(0, plain[0], own[0]) : null;
    }

    // The first sequence, a row at a time.
    private string? TestRows(float scale, float[] wanted, float[] other)
    {
        var batch = new StepBatch(1);
        LibLlama.llama_memory_clear(decoder.Memory, data: false);
        float[]? logits = null;
        for (var position = 0; position < Tokens; position++)
        {
            batch.Clear();
            Add(batch, 0, position, scale, isOutput: true);
            router.BeforeStep(batch);
            if (decoder.Decode(batch) != DecodeResult.Success)
                return "a single row could not be decoded with routing";
            if (router.AfterStep() is { } fault)
                return fault;
            logits = decoder.Logits(0).ToArray();
        }
        decoder.Invalidate();
        LibLlama.llama_memory_clear(decoder.Memory, data: false);
        var deviation = Deviation(logits!, wanted, other);
        return deviation <= Tolerance ? null : string.Create(CultureInfo.InvariantCulture, $"routed logits of single rows differ from llama.cpp's by {deviation:0.00} of the adapter's effect");
    }

    private string? TestChunk() => DecodeChunk(1) ? router.AfterStep() : "the model could not be decoded in full chunks with routing";

    private bool DecodeChunk(float scale)
    {
        var rows = Math.Min(router.BatchTokens, (int)LibLlama.llama_n_batch(context));
        var batch = new StepBatch(rows);
        for (var position = 0; position < rows; position++)
            Add(batch, 0, position, scale, position == rows - 1);
        router.BeforeStep(batch);
        return SelfTestLogits.Decode(decoder, batch) is not null;
    }

    private static double Deviation(float[] actual, float[] wanted, float[] other) => SelfTestLogits.Distance(actual, wanted) / Math.Max(SelfTestLogits.Distance(other, wanted), 1e-9);

    // A row of the base model where the scale is 0.
    private void Add(StepBatch batch, int sequence, int position, float scale, bool isOutput)
    {
        var token = (int)(((sequence * 7919L) + (position * 104_729L) + 17) % vocabularySize);
        var slot = scale == 0 ? 0 : Slot;
        if (isOutput)
            batch.AddOutput(token, position, new EngineSequence(sequence), slot, scale);
        else
            batch.Add(token, position, new EngineSequence(sequence), slot, scale);
    }

    private string? Verdict(StepBatch batch, float[] scales, float[][] own, float[][] plain)
    {
        if (Decode(batch, scales) is not { } routed)
            return "the model could not be decoded with routing";
        if (router.AfterStep() is { } fault)
            return fault;
        var wrong = 0;
        double worst = 0;
        for (var i = 0; i < Sequences; i++)
        {
            var (wanted, other) = scales[i] != 0 ? (own[i], plain[i]) : (plain[i], own[i]);
            var deviation = Deviation(routed[i], wanted, other);
            worst = Math.Max(worst, deviation);
            if (!(deviation <= Tolerance))
                wrong++;
        }
        // Mixtures of experts may send a token elsewhere for a rounding error: one sequence may stand aside.
        return wrong <= 1 ? null : string.Create(CultureInfo.InvariantCulture, $"routed logits differ from llama.cpp's in {wrong} of {Sequences} sequences (worst {worst:0.00} of the adapter's effect)");
    }

    // Logits behind the last token of each sequence.
    private float[][]? Decode(StepBatch batch, float[] scales)
    {
        batch.Clear();
        for (var sequence = 0; sequence < Sequences; sequence++)
            for (var position = 0; position < Tokens; position++)
                Add(batch, sequence, position, scales[sequence], position == Tokens - 1);
        router.BeforeStep(batch);
        return SelfTestLogits.Decode(decoder, batch);
    }
}
