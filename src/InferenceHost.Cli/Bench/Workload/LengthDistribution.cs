using System.Globalization;

namespace InferenceHost.Cli.Bench.Workload;

/// <summary>
/// Log-normal lengths of prompts and answers, as conversations have them. A distribution is given by its mean and by sigma, the standard deviation
/// of the logarithm (mu = ln(mean) - sigma^2 / 2). The means of the named ones are those that Kwon et al. 2023 (PagedAttention, section 6.1)
/// report for the ShareGPT and Alpaca data sets; sigma is our choice, wide for ShareGPT's prompts, narrower for the rest.
/// </summary>
/// <param name="PromptMean">Mean prompt length, tokens.</param>
/// <param name="PromptSigma">Standard deviation of the logarithm of the prompt length.</param>
/// <param name="OutputMean">Mean answer length, tokens.</param>
/// <param name="OutputSigma">Standard deviation of the logarithm of the answer length.</param>
internal sealed record LengthDistribution(double PromptMean, double PromptSigma, double OutputMean, double OutputSigma)
{
    /// <summary>Parses <c>sharegpt</c>, <c>alpaca</c> or <c>PROMPT_MEAN,PROMPT_SIGMA,OUTPUT_MEAN,OUTPUT_SIGMA</c>.</summary>
    /// <exception cref="BenchException">The text is neither.</exception>
    public static LengthDistribution Parse(string text, string option)
    {
        switch (text)
        {
            case "sharegpt": return new LengthDistribution(161, 1.2, 338, 0.9);
            case "alpaca": return new LengthDistribution(19, 0.6, 58, 0.9);
        }
        var parts = text.Split(',');
        var values = new double[4];
        for (var i = 0; i < values.Length; i++)
        {
            if (parts.Length != values.Length || !double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]) || !double.IsFinite(values[i]))
                throw BenchException.Option(option, $"'{text}' is neither sharegpt, alpaca nor PROMPT_MEAN,PROMPT_SIGMA,OUTPUT_MEAN,OUTPUT_SIGMA");
        }
        if (values[0] < 1 || values[2] < 1 || values[1] is < 0 or > 4 || values[3] is < 0 or > 4)
            throw BenchException.Option(option, $"'{text}': means are at least 1 token, sigmas 0 to 4");
        return new LengthDistribution(values[0], values[1], values[2], values[3]);
    }

    /// <summary>A prompt length, 1 .. <paramref name="limit"/> tokens.</summary>
    public int NextPrompt(SeededRandom random, int limit) => Next(random, PromptMean, PromptSigma, limit);

    /// <summary>An answer length, 1 .. <paramref name="limit"/> tokens.</summary>
    public int NextOutput(SeededRandom random, int limit) => Next(random, OutputMean, OutputSigma, limit);

    private static int Next(SeededRandom random, double mean, double sigma, int limit)
    {
        var logarithm = Math.Log(mean) - sigma * sigma / 2 + sigma * random.NextNormal();
        return (int)Math.Clamp(Math.Round(Math.Exp(logarithm)), 1, limit);
    }
}
