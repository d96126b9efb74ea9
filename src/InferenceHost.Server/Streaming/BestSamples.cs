using InferenceHost.Protocol.V1;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>Collects whole samples and chooses those with the highest mean log-probability per generated token.</summary>
internal sealed class BestSamples(int samples)
{
    private readonly GenerateResponse?[] _whole = new GenerateResponse?[samples];
    private readonly double[] _scores = new double[samples];

    /// <summary>Adds a part of a sample.</summary>
    public void Add(GenerateResponse part, Wire.Finish? finish)
    {
        if (_whole[part.Index] is { } whole)
        {
            // MergeFrom replaces texts and leaves them where the part has none.
            var (text, reasoning) = (whole.Text + part.Text, whole.Reasoning + part.Reasoning);
            whole.MergeFrom(part);
            (whole.Text, whole.Reasoning) = (text, reasoning);
        }
        else
        {
            _whole[part.Index] = part;
        }
        if (finish is not null)
            _scores[part.Index] = finish.CompletionTokens > 0 ? finish.SumLogProbability / finish.CompletionTokens : double.NegativeInfinity;
    }

    /// <summary>The best, best first, numbered from 0.</summary>
    public IEnumerable<GenerateResponse> Best(int wanted)
    {
        var order = Enumerable.Range(0, _whole.Length).Where(i => _whole[i] is not null).OrderByDescending(i => _scores[i]).ThenBy(i => i).Take(wanted);
        var place = 0;
        foreach (var index in order)
        {
            var message = _whole[index]!;
            message.Index = place++;
            yield return message;
        }
    }
}
