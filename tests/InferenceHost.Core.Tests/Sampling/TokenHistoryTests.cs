using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Tests.Sampling;

public sealed class TokenHistoryTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(64)]
    public void CountsAreThoseOfTheLastTokens(int? window)
    {
        var random = new Random(window ?? 77);
        var history = new TokenHistory(window, 4);
        var all = new List<int>();
        for (var step = 0; step < 3000; step++)
        {
            var token = random.Next(random.Next(2) == 0 ? 10 : 5000);
            all.Add(token);
            history.Add(token);
            if (step % 17 != 0)
                continue;
            var expected = all.Skip(window is { } w ? Math.Max(0, all.Count - w) : 0).GroupBy(id => id).ToDictionary(g => g.Key, g => g.Count());
            var actual = new Dictionary<int, int>();
            for (var index = 0; index < history.Ids.Length; index++)
                actual.Add(history.Ids[index], history.Counts[index]);
            Assert.Equal(expected.OrderBy(pair => pair.Key), actual.OrderBy(pair => pair.Key));
        }
    }
}
