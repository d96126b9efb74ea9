using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Tests.Sampling;

/// <summary>The definitions in double precision with full sorts: slow and plain, to compare with.</summary>
internal static class ReferenceSampler
{
    public static double[] Distribution(float[] logits, SamplingParameters p, IReadOnlyList<int> history)
    {
        var window = p.PenaltyWindowTokens is { } tokens ? history.Skip(Math.Max(0, history.Count - tokens)) : history;
        var counts = window.GroupBy(id => id).ToDictionary(group => group.Key, group => group.Count());
        var x = Array.ConvertAll(logits, logit => (double)logit);
        foreach (var (id, count) in counts)
        {
            x[id] = x[id] < 0 ? x[id] * p.RepetitionPenalty : x[id] / p.RepetitionPenalty;
            x[id] -= (count * p.FrequencyPenalty) + p.PresencePenalty;
        }

        foreach (var (id, bias) in p.LogitBias)
            x[id] += bias;
        for (var i = 0; i < x.Length; i++)
            x[i] /= p.Temperature;
        if (p.TopK > 0 && p.TopK < x.Length)
        {
            var kth = x.OrderDescending().ElementAt(p.TopK - 1);
            Cut(x, i => x[i] < kth);
        }

        if (p.TopP < 1)
            CutTopP(x, p.TopP);
        if (p.MinP > 0)
        {
            var probabilities = Softmax(x);
            var best = probabilities.Max();
            Cut(x, i => probabilities[i] < p.MinP * best);
        }

        if (p.TypicalP < 1)
            CutTypical(x, p.TypicalP);
        return Softmax(x);
    }

    private static void CutTopP(double[] x, double topP)
    {
        var probabilities = Softmax(x);
        double above = 0;
        var removed = new bool[x.Length];
        var rank = 0;
        foreach (var i in Enumerable.Range(0, x.Length).OrderByDescending(i => x[i]).ThenByDescending(i => i))
        {
            removed[i] = rank++ > 0 && above >= topP;
            above += probabilities[i];
        }

        Cut(x, i => removed[i]);
    }

    private static void CutTypical(double[] x, double mass)
    {
        var probabilities = Softmax(x);
        var entropy = -probabilities.Where(q => q > 0).Sum(q => q * Math.Log(q));
        var distance = Array.ConvertAll(probabilities, q => Math.Abs(-Math.Log(q) - entropy));
        double below = 0;
        var last = 0d;
        foreach (var i in Enumerable.Range(0, x.Length).OrderBy(i => distance[i]))
        {
            last = distance[i];
            below += probabilities[i];
            if (below >= mass)
                break;
        }

        Cut(x, i => distance[i] > last);
    }

    public static double[] Softmax(double[] x)
    {
        var max = x.Max();
        var e = Array.ConvertAll(x, value => Math.Exp(value - max));
        var sum = e.Sum();
        return Array.ConvertAll(e, value => value / sum);
    }

    private static void Cut(double[] x, Func<int, bool> removed)
    {
        var remove = Enumerable.Range(0, x.Length).Where(removed).ToArray();
        foreach (var i in remove)
            x[i] = double.NegativeInfinity;
    }
}
