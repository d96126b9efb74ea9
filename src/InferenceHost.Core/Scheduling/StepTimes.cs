using System.Numerics;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Measured step times, smoothed: t(rows, tokens) = decode(rows) + tokens * perToken. Decode times are kept per power of two of the rows, because eight rows cost
/// about as much as one on a GPU and nearly eight times as much on a CPU.
/// </summary>
internal sealed class StepTimes
{
    private const int TellingTokens = 8, ManyTokens = 32, TellingDrafts = 4, MostSteps = 7;
    private const double Smoothing = 0.2, LeastRowSeconds = 1e-9, MostSurprise = 3, MostDelay = 1.5, Forgetting = 0.01;

    private readonly (double Rows, double Seconds)[] _decode = new (double, double)[32];
    private double _promptTokenSeconds;
    private double _draftRowSeconds;

    /// <summary>Whether there has been a step that only decoded.</summary>
    public bool HasDecoded { get; private set; }

    /// <summary>Steps with prompts beside decode rows since one that only decoded.</summary>
    public int MixedSteps { get; private set; }

    /// <summary>Time of one more prefill token, seconds; 0 = not measured yet.</summary>
    public double PrefillTokenSeconds { get; private set; }

    /// <summary>The same for many tokens at once, which cost less each; as for few where that was not measured yet.</summary>
    public double PromptTokenSeconds => _promptTokenSeconds > 0 ? _promptTokenSeconds : PrefillTokenSeconds;

    /// <summary>Time of one more row that verifies a draft, seconds; as for a prefill token where that was not measured yet.</summary>
    public double DraftRowSeconds => _draftRowSeconds > 0 ? _draftRowSeconds : PrefillTokenSeconds;

    /// <summary>
    /// Time of a step with so many decode rows and nothing else, seconds; 0 = nothing measured yet. From the nearest that was measured, a row more or less
    /// costing what a prefill token costs.
    /// </summary>
    public double DecodeSeconds(int rows)
    {
        if (rows <= 0) return 0;
        var bucket = Bucket(rows);
        for (var distance = 0; distance < _decode.Length; distance++)
        {
            if (TryGet(bucket - distance, out var known) || TryGet(bucket + distance, out known))
                return Math.Max(known.Seconds / 8, known.Seconds + ((rows - known.Rows) * PrefillTokenSeconds));
        }
        return 0;
    }

    /// <summary>Learns from a step.</summary>
    /// <param name="seconds">Its time.</param>
    /// <param name="decodeRows">Sequences that decoded.</param>
    /// <param name="prefillTokens">Rows of prompts.</param>
    /// <param name="draftRows">Rows that verified drafts; never beside prompts.</param>
    public void Observe(double seconds, int decodeRows, int prefillTokens, int draftRows = 0)
    {
        if (draftRows > 0)
        {
            // A step that was held up says little about its rows. Never nothing: that would count as not measured.
            var measured = Math.Clamp((seconds - DecodeSeconds(decodeRows)) / draftRows, LeastRowSeconds, Math.Max(LeastRowSeconds, MostSurprise * DraftRowSeconds));
            _draftRowSeconds = Smooth(DraftRowSeconds, measured, Smoothing * Math.Min(1, (double)draftRows / TellingDrafts));
        }
        else if (prefillTokens == 0 && decodeRows > 0)
        {
            HasDecoded = true;
            // Without drafts nothing is learned about their rows, and what was learned must not last for ever.
            if (_draftRowSeconds > 0) _draftRowSeconds = Smooth(_draftRowSeconds, PrefillTokenSeconds, Forgetting);
            ref var known = ref _decode[Bucket(decodeRows)];
            // One that comes after many others stands for them too.
            var part = 1 - Math.Pow(1 - Smoothing, 1 + Math.Min(MixedSteps, MostSteps));
            known = (Smooth(known.Rows, decodeRows, part), Smooth(known.Seconds, Expected(seconds, known.Seconds), part));
            MixedSteps = 0;
        }
        else if (prefillTokens > 0)
        {
            if (decodeRows > 0) MixedSteps++;
            // Few tokens say little: what the decode rows did not take by a hair is a lot for each of them.
            var part = Smoothing * Math.Min(1, (double)prefillTokens / TellingTokens);
            var decode = DecodeSeconds(decodeRows);
            seconds = PrefillTokenSeconds > 0 ? Expected(seconds, decode + (prefillTokens * PrefillTokenSeconds)) : seconds;
            var measured = Math.Max(0, seconds - decode) / prefillTokens;
            PrefillTokenSeconds = Smooth(PrefillTokenSeconds, measured, part);
            if (prefillTokens >= ManyTokens) _promptTokenSeconds = Smooth(_promptTokenSeconds, measured);
        }
    }

    // A step that the machine held up says little about the next; where steps do take longer from now on, a few of them show it.
    private static double Expected(double seconds, double usual) => usual > 0 ? Math.Min(seconds, MostDelay * usual) : seconds;

    private bool TryGet(int bucket, out (double Rows, double Seconds) known)
    {
        known = (uint)bucket < (uint)_decode.Length ? _decode[bucket] : default;
        return known.Seconds > 0;
    }

    private static int Bucket(int rows) => BitOperations.Log2((uint)rows);

    private static double Smooth(double old, double value, double part = Smoothing) => old <= 0 ? value : old + (part * (value - old));
}
