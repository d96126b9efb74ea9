using InferenceHost.Protocol.V1;

namespace InferenceHost.Server.Services;

/// <summary>The fields a chat shares with a generation, as a generation without a prompt: they are checked and passed on in one place.</summary>
internal static class ChatFields
{
    /// <summary>Copies the shared fields; absent ones stay absent.</summary>
    public static GenerateRequest ToGenerate(ChatRequest chat)
    {
        var request = new GenerateRequest { IgnoreEos = chat.IgnoreEos, Priority = chat.Priority };
        request.Stop.Add(chat.Stop);
        request.StopTokenIds.Add(chat.StopTokenIds);
        request.LogitBias.Add(chat.LogitBias);
        if (chat.HasAdapter)
            request.Adapter = chat.Adapter;
        if (chat.HasAdapterScale)
            request.AdapterScale = chat.AdapterScale;
        if (chat.HasMaxTokens)
            request.MaxTokens = chat.MaxTokens;
        if (chat.HasSeed)
            request.Seed = chat.Seed;
        if (chat.HasLogprobs)
            request.Logprobs = chat.Logprobs;
        if (chat.HasN)
            request.N = chat.N;
        if (chat.HasBestOf)
            request.BestOf = chat.BestOf;
        CopySampling(chat, request);
        return request;
    }

    private static void CopySampling(ChatRequest chat, GenerateRequest request)
    {
        if (chat.HasTemperature)
            request.Temperature = chat.Temperature;
        if (chat.HasTopK)
            request.TopK = chat.TopK;
        if (chat.HasTopP)
            request.TopP = chat.TopP;
        if (chat.HasMinP)
            request.MinP = chat.MinP;
        if (chat.HasTypicalP)
            request.TypicalP = chat.TypicalP;
        if (chat.HasRepetitionPenalty)
            request.RepetitionPenalty = chat.RepetitionPenalty;
        if (chat.HasFrequencyPenalty)
            request.FrequencyPenalty = chat.FrequencyPenalty;
        if (chat.HasPresencePenalty)
            request.PresencePenalty = chat.PresencePenalty;
    }
}
