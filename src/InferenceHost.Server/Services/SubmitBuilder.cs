using InferenceHost.Protocol.V1;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Services;

/// <summary>Turns a checked request into the frame for the engine; absent fields get their documented defaults here.</summary>
internal static class SubmitBuilder
{
    /// <summary>A submission without a prompt.</summary>
    public static Wire.Submit Build(GenerateRequest request, string tenant, string? adapter, TimeSpan? timeLeft)
    {
        var submit = new Wire.Submit
        {
            Tenant = tenant,
            Adapter = adapter ?? "",
            Sampling = Sampling(request),
            IgnoreEos = request.IgnoreEos,
            Priority = (int)request.Priority,
            N = Samples(request),
            AdapterScale = request.HasAdapterScale ? request.AdapterScale : 1,
            DeadlineMs = timeLeft is { } left ? Math.Max(1, (long)left.TotalMilliseconds) : 0,
        };
        if (request.HasMaxTokens)
            submit.MaxTokens = request.MaxTokens;
        submit.Stop.Add(request.Stop);
        submit.StopTokenIds.Add(request.StopTokenIds);
        return submit;
    }

    /// <summary>Adds the prompt of a Generate request: text is taken literally.</summary>
    public static Wire.Submit WithPrompt(this Wire.Submit submit, GenerateRequest request)
    {
        if (request.HasPrompt)
        {
            submit.Segments.Add(new Wire.TextSegment { Text = request.Prompt });
            submit.AddBos = true;
        }
        else
        {
            submit.TokenIds.Add(request.PromptTokenIds);
        }
        return submit;
    }

    /// <summary>Samples the engine generates: the best are chosen from them where best_of asks for more than n.</summary>
    public static int Samples(GenerateRequest request) => Math.Max(request.HasN ? request.N : 1, request.HasBestOf ? request.BestOf : 1);

    private static Wire.Sampling Sampling(GenerateRequest request)
    {
        var sampling = new Wire.Sampling
        {
            Temperature = request.HasTemperature ? request.Temperature : 0.8f,
            TopK = request.HasTopK ? request.TopK : 40,
            TopP = request.HasTopP ? request.TopP : 0.95f,
            MinP = request.HasMinP ? request.MinP : 0.05f,
            Seed = request.HasSeed ? request.Seed : (ulong)Random.Shared.NextInt64(),
            LogprobsPlusOne = request.HasLogprobs ? request.Logprobs + 1 : 0,
            TypicalP = request.HasTypicalP ? request.TypicalP : 1,
            RepetitionPenalty = request.HasRepetitionPenalty ? request.RepetitionPenalty : 1,
            FrequencyPenalty = request.FrequencyPenalty,
            PresencePenalty = request.PresencePenalty,
        };
        sampling.LogitBias.Add(request.LogitBias);
        return sampling;
    }
}
