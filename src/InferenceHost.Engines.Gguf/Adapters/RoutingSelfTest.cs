using System.Globalization;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// Compares routing with llama.cpp's own way on the loaded model, with the pattern's random numbers: sequences with the adapter must come out as llama.cpp
/// computes them under it, sequences without as the base model does, in one batch. Also shows which modules the graph applies adapters to.
/// </summary>
internal sealed class RoutingSelfTest(AdapterRouter router, LlamaContextHandle context, Decoder decoder, int vocabularySize, RoutedAdapter pattern)
{
    /// <summary>Sequences it needs.</summary>
    public const int Sequences = 6;

    /// <summary>Rows of one call it needs.</summary>
    public const int BatchTokens = Sequences * Tokens;

    private const int Tokens = 3, Slot = 1;

    // Far enough from the base that 8-bit activations do not blur the picture, near enough that the model still computes something.
    private const double MinDistance = 0.15, MaxDistance = 1.5;

    // Of the distance between base and adapter. Routing done wrong shows as about 1.
    private const double Tolerance = 0.25;

    /// <summary>Null where routing works, else why not.</summary>
    public string? Run()
    {
        try
        {
            return Compare();
        }
        finally
        {
            pattern.Dispose();
        }
    }

    private string? Compare()
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

        if (router.Reserve() is { } missing)
            return missing;

        // Half of the sequences with the adapter and half without; where rows cannot be mixed, first all, then none.
        var half = new float[Sequences];
        for (var i = 0; i < Sequences; i += 2)
            half[i] = strength;
        router.SetPattern(context, 1);
        router.Install(Slot, pattern);
        router.IsOn = true;
        try
        {
            if (router.Mode == AdapterMode.PerRow)
                return Verdict(batch, half, own!, plain);
            return Verdict(batch, [.. Enumerable.Repeat(strength, Sequences)], own!, plain) ?? Verdict(batch, zero, own!, plain);
        }
        finally
        {
            router.Clear(Slot);
        }
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
            var deviation = SelfTestLogits.Distance(routed[i], wanted) / Math.Max(SelfTestLogits.Distance(other, wanted), 1e-9);
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
            {
                var token = (int)(((sequence * 7919L) + (position * 104_729L) + 17) % vocabularySize);
                var slot = scales[sequence] == 0 ? 0 : Slot;
                if (position == Tokens - 1)
                    batch.AddOutput(token, position, new EngineSequence(sequence), slot, scales[sequence]);
                else
                    batch.Add(token, position, new EngineSequence(sequence), slot, scales[sequence]);
            }
        router.BeforeStep(batch);
        return SelfTestLogits.Decode(decoder, batch);
    }
}
