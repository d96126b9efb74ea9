using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Parsing;

/// <summary>Sampling fields of a request as options. Ranges are checked by the server alone, so that there is one truth; absent stays absent.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<string?> _model = Named<string?>("--model", "NAME", "Model; the loaded one by default.");
    private readonly Option<string?> _adapter = Named<string?>("--adapter", "NAME", "LoRA adapter; the base model by default.");
    private readonly Option<float?> _adapterScale = NumberOption.Create<float>("--adapter-scale", "FACTOR", "Strength of the adapter, 0 .. 4; 1 by default.");
    private readonly Option<int?> _maxTokens = NumberOption.Create<int>("--max-tokens", "N", "Tokens to generate at most; 512 by default.");
    private readonly Option<float?> _temperature = NumberOption.Create<float>("--temperature", "T", "Softmax temperature; 0 = greedy, 0.8 by default.");
    private readonly Option<int?> _topK = NumberOption.Create<int>("--top-k", "K", "Keep the K most likely tokens; 0 = all, 40 by default.");
    private readonly Option<float?> _topP = NumberOption.Create<float>("--top-p", "P", "Keep the smallest set with probability P; 0.95 by default.");
    private readonly Option<float?> _minP = NumberOption.Create<float>("--min-p", "P", "Keep tokens with P times the best probability; 0.05 by default.");
    private readonly Option<float?> _typicalP = NumberOption.Create<float>("--typical-p", "P", "Locally typical sampling mass; 1 = off.");
    private readonly Option<float?> _repetition = NumberOption.Create<float>("--repetition-penalty", "X", "Divides logits of tokens seen before; 1 = off.");
    private readonly Option<float?> _frequency = NumberOption.Create<float>("--frequency-penalty", "X", "Subtracted for every time a token was generated.");
    private readonly Option<float?> _presence = NumberOption.Create<float>("--presence-penalty", "X", "Subtracted once a token was generated.");
    private readonly Option<ulong?> _seed = NumberOption.Create<ulong>("--seed", "N", "Seed; the same seed gives the same tokens.");
    private readonly Option<string[]> _stop = Named<string[]>("--stop", "TEXT", "String that ends the generation (repeatable).");
    private readonly Option<int[]> _stopTokens = Named<int[]>("--stop-token", "ID", "Token that ends the generation (repeatable).");
    private readonly Option<bool> _ignoreEos = new("--ignore-eos") { Description = "Go on behind the model's own end tokens." };
    private readonly Option<int?> _logprobs = NumberOption.Create<int>("--logprobs", "N", "Log-probabilities with N alternatives per token, 0 .. 20.");
    private readonly Option<Dictionary<int, float>> _bias = Named<Dictionary<int, float>>("--logit-bias", "ID=X", "Adds X to the logit of token ID (repeatable).");
    private readonly Option<int?> _n = NumberOption.Create<int>("--n", "N", "Independent samples, 1 .. 16.");
    private readonly Option<int?> _bestOf = NumberOption.Create<int>("--best-of", "N", "Samples of which the best n are returned, n .. 16.");
    private readonly Option<Priority?> _priority = Named<Priority?>("--priority", "interactive|batch", "Batch work yields to interactive work.");

    private SamplingOptions() => _bias.CustomParser = ParseBias;

    /// <summary>Adds all options to <paramref name="command"/>.</summary>
    public static SamplingOptions AddTo(Command command)
    {
        var options = new SamplingOptions();
        Option[] all =
        [
            options._model, options._adapter, options._adapterScale, options._maxTokens, options._temperature, options._topK, options._topP,
            options._minP, options._typicalP, options._repetition, options._frequency, options._presence, options._seed, options._stop,
            options._stopTokens, options._ignoreEos, options._logprobs, options._bias, options._n, options._bestOf, options._priority,
        ];
        foreach (Option option in all)
            command.Add(option);
        return options;
    }

    /// <summary>The options as a request without a prompt.</summary>
    public GenerateRequest Read(ParseResult parsed)
    {
        var request = new GenerateRequest { IgnoreEos = parsed.GetValue(_ignoreEos), Priority = parsed.GetValue(_priority) ?? Priority.Interactive };
        if (parsed.GetValue(_model) is { } model)
            request.Model = model;
        if (parsed.GetValue(_adapter) is { } adapter)
            request.Adapter = adapter;
        if (parsed.GetValue(_adapterScale) is { } scale)
            request.AdapterScale = scale;
        if (parsed.GetValue(_maxTokens) is { } maxTokens)
            request.MaxTokens = maxTokens;
        if (parsed.GetValue(_seed) is { } seed)
            request.Seed = seed;
        if (parsed.GetValue(_logprobs) is { } logprobs)
            request.Logprobs = logprobs;
        if (parsed.GetValue(_n) is { } n)
            request.N = n;
        if (parsed.GetValue(_bestOf) is { } bestOf)
            request.BestOf = bestOf;
        request.Stop.Add(parsed.GetValue(_stop) ?? []);
        request.StopTokenIds.Add(parsed.GetValue(_stopTokens) ?? []);
        request.LogitBias.Add(parsed.GetValue(_bias) ?? []);
        ReadDistribution(parsed, request);
        return request;
    }

    private void ReadDistribution(ParseResult parsed, GenerateRequest request)
    {
        if (parsed.GetValue(_temperature) is { } temperature)
            request.Temperature = temperature;
        if (parsed.GetValue(_topK) is { } topK)
            request.TopK = topK;
        if (parsed.GetValue(_topP) is { } topP)
            request.TopP = topP;
        if (parsed.GetValue(_minP) is { } minP)
            request.MinP = minP;
        if (parsed.GetValue(_typicalP) is { } typicalP)
            request.TypicalP = typicalP;
        if (parsed.GetValue(_repetition) is { } repetition)
            request.RepetitionPenalty = repetition;
        if (parsed.GetValue(_frequency) is { } frequency)
            request.FrequencyPenalty = frequency;
        if (parsed.GetValue(_presence) is { } presence)
            request.PresencePenalty = presence;
    }

    private static Option<T> Named<T>(string name, string helpName, string description) => new(name) { HelpName = helpName, Description = description };

    private static Dictionary<int, float>? ParseBias(ArgumentResult result)
    {
        var bias = new Dictionary<int, float>();
        foreach (Token token in result.Tokens)
        {
            string[] parts = token.Value.Split('=', 2);
            if (parts.Length == 2
                && int.TryParse(parts[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out int id)
                && float.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out float value))
                bias[id] = value;
            else
                result.AddError($"--logit-bias: '{token.Value}' is not ID=X, e.g. 42=-1.5.");
        }
        return bias;
    }
}
