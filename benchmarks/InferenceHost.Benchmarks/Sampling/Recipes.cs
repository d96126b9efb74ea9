using InferenceHost.Core.Sampling;

namespace InferenceHost.Benchmarks.Sampling;

internal static class Recipes
{
    public static SamplingParameters Parameters(Recipe recipe)
    {
        var common = new SamplingParameters { Temperature = 0.8f, Seed = 7 };
        return recipe switch
        {
            Recipe.Greedy => SamplingParameters.Greedy,
            Recipe.TopK40 => common with { TopK = 40 },
            Recipe.MinP => common with { MinP = 0.05f },
            Recipe.TopP => common with { TopP = 0.95f },

            // Here a fifth of the mass lies in the bell: thousands of tokens are kept.
            Recipe.TopPBroad => common with { Temperature = 1, TopP = 0.95f },
            Recipe.TopKTopPMinP => common with { TopK = 40, TopP = 0.95f, MinP = 0.05f },
            Recipe.TemperatureOnly => common,
            Recipe.Typical => common with { TopK = 1000, TypicalP = 0.9f },

            // So weak that the rows stay what they are however often they are sampled.
            Recipe.GreedyPenalties => SamplingParameters.Greedy with { RepetitionPenalty = 1.000001f },
            Recipe.TopKLogprobs5 => common with { TopK = 40, Logprobs = 5 },
            _ => throw new ArgumentOutOfRangeException(nameof(recipe)),
        };
    }

    /// <summary>The same behind a prompt of a thousand tokens.</summary>
    public static SequenceSamplingState State(Recipe recipe, int vocabulary)
    {
        var state = new SequenceSamplingState(Parameters(recipe), 2000);
        var random = new Random(1);
        for (var token = 0; token < 1000; token++)
            state.AcceptPrompt([random.Next(vocabulary)]);
        return state;
    }
}
