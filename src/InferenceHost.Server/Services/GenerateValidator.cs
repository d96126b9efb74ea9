using System.Globalization;
using Google.Protobuf.Collections;
using InferenceHost.Protocol.V1;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Services;

/// <summary>Checks every field of a generation before the engine hears of it. What needs the tokenizer (the length of a text prompt) is checked there.</summary>
internal static class GenerateValidator
{
    private const int MaxSamples = 16;
    private const int MaxStops = 64;
    private const int MaxStopBytes = 1024;
    private const int MaxStopTokens = 256;
    private const int MaxBiases = 1024;

    /// <summary>Checks a request against the loaded model.</summary>
    /// <exception cref="Errors.RefusalException">Fields are out of range.</exception>
    public static void Check(GenerateRequest request, Wire.Loaded loaded)
    {
        var violations = new Violations();
        Prompt(request, loaded, violations);
        Sampling(request, loaded, violations);
        violations.ThrowIfAny();
    }

    /// <summary>Checks the sampling fields alone, for a prompt that is made from messages.</summary>
    public static void Sampling(GenerateRequest request, Wire.Loaded loaded, Violations violations)
    {
        if (request.HasMaxTokens)
            violations.Range("max_tokens", request.MaxTokens, 1, Math.Max(1, loaded.ContextTokens - request.PromptTokenIds.Count));
        violations.Range("temperature", Or(request.HasTemperature, request.Temperature, 1), 0, 100);
        if (request.TopK < 0)
            violations.Add("top_k", request.TopK.ToString(CultureInfo.InvariantCulture), ">= 0");
        violations.Range("top_p", Or(request.HasTopP, request.TopP, 1), 0, 1, minIsOpen: true);
        violations.Range("min_p", Or(request.HasMinP, request.MinP, 0), 0, 1);
        violations.Range("typical_p", Or(request.HasTypicalP, request.TypicalP, 1), 0, 1, minIsOpen: true);
        violations.Range("repetition_penalty", Or(request.HasRepetitionPenalty, request.RepetitionPenalty, 1), 0, 100, minIsOpen: true);
        violations.Range("frequency_penalty", Or(request.HasFrequencyPenalty, request.FrequencyPenalty, 0), -100, 100);
        violations.Range("presence_penalty", Or(request.HasPresencePenalty, request.PresencePenalty, 0), -100, 100);
        violations.Range("logprobs", request.HasLogprobs ? request.Logprobs : 0, 0, 20);
        Stops(request, loaded, violations);
        Biases(request.LogitBias, loaded, violations);
        Samples(request, violations);
        if (!Enum.IsDefined(request.Priority))
            violations.Add("priority", ((int)request.Priority).ToString(CultureInfo.InvariantCulture), "0 (INTERACTIVE), 1 (BATCH)");
        if (request.HasAdapterScale)
        {
            violations.Range("adapter_scale", request.AdapterScale, 0, 4);
            if (!request.HasAdapter)
                violations.Add("adapter_scale", "a scale without an adapter", "a request that names an adapter");
        }
    }

    private static void Prompt(GenerateRequest request, Wire.Loaded loaded, Violations violations)
    {
        if (request.HasPrompt == request.PromptTokenIds.Count > 0)
            violations.Add("prompt", request.HasPrompt ? "prompt and prompt_token_ids" : "neither prompt nor prompt_token_ids", "exactly one of them");
        violations.Text("prompt", request.Prompt);
        if (request.PromptTokenIds.Count >= loaded.ContextTokens)
            violations.Add("prompt_token_ids", Count(request.PromptTokenIds.Count, "tokens"), $"1 .. {loaded.ContextTokens - 1}");
        Tokens("prompt_token_ids", request.PromptTokenIds, loaded, violations);
    }

    /// <summary>Checks that every id is one of the vocabulary's.</summary>
    public static void Tokens(string field, RepeatedField<int> ids, Wire.Loaded loaded, Violations violations)
    {
        for (var i = 0; i < ids.Count; i++)
        {
            if ((uint)ids[i] < (uint)loaded.VocabularySize)
                continue;
            violations.Range($"{field}[{i}]", ids[i], 0, loaded.VocabularySize - 1);
            return;
        }
    }

    private static void Stops(GenerateRequest request, Wire.Loaded loaded, Violations violations)
    {
        if (request.Stop.Count > MaxStops)
            violations.Add("stop", Count(request.Stop.Count, "strings"), $"0 .. {MaxStops}");
        for (var i = 0; i < Math.Min(request.Stop.Count, MaxStops); i++)
        {
            var field = $"stop[{i}]";
            violations.Text(field, request.Stop[i]);
            var bytes = System.Text.Encoding.UTF8.GetByteCount(request.Stop[i]);
            if (bytes is 0 or > MaxStopBytes)
                violations.Add(field, Count(bytes, "bytes"), $"1 .. {MaxStopBytes}");
        }
        if (request.StopTokenIds.Count > MaxStopTokens)
            violations.Add("stop_token_ids", Count(request.StopTokenIds.Count, "tokens"), $"0 .. {MaxStopTokens}");
        Tokens("stop_token_ids", request.StopTokenIds, loaded, violations);
    }

    private static void Biases(MapField<int, float> biases, Wire.Loaded loaded, Violations violations)
    {
        if (biases.Count > MaxBiases)
        {
            violations.Add("logit_bias", Count(biases.Count, "entries"), $"0 .. {MaxBiases}");
            return;
        }
        foreach (var (id, bias) in biases)
        {
            var field = $"logit_bias[{id}]";
            violations.Range(field, id, 0, loaded.VocabularySize - 1);
            violations.Range(field, bias, -100, 100);
        }
    }

    private static void Samples(GenerateRequest request, Violations violations)
    {
        var n = request.HasN ? request.N : 1;
        violations.Range("n", n, 1, MaxSamples);
        if (request.HasBestOf)
            violations.Range("best_of", request.BestOf, Math.Clamp(n, 1, MaxSamples), MaxSamples);
    }

    private static float Or(bool has, float value, float absent) => has ? value : absent;

    private static string Count(int count, string unit) => $"{count.ToString(CultureInfo.InvariantCulture)} {unit}";
}
