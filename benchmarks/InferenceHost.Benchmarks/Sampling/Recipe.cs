namespace InferenceHost.Benchmarks.Sampling;

public enum Recipe
{
    Greedy,
    TopK40,
    MinP,
    TopP,
    TopPBroad,
    TopKTopPMinP,
    TemperatureOnly,
    Typical,
    GreedyPenalties,
    TopKLogprobs5,
}
