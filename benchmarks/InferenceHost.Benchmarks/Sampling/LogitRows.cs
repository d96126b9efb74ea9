namespace InferenceHost.Benchmarks.Sampling;

/// <summary>Rows shaped like those of a language model: a broad bell with a few tokens far above it.</summary>
internal static class LogitRows
{
    public static float[] Next(Random random, int vocabulary)
    {
        var row = new float[vocabulary];
        for (var id = 0; id < vocabulary; id++)
            row[id] = (float)(2.5 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        for (var peak = 0; peak < 30; peak++)
            row[random.Next(vocabulary)] = 8 + (float)(random.NextDouble() * 8);
        return row;
    }
}
