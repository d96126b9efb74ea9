using InferenceHost.Core.Speculation;

namespace InferenceHost.Core.Tests.Speculation;

public sealed class NgramDrafterTests
{
    [Fact]
    public void DraftIsWhatFollowedTheLongestLatestMatchAsANaiveSearchFindsIt()
    {
        var random = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            var options = new NgramDrafterOptions { MinMatchTokens = 1 + random.Next(2), MaxMatchTokens = 2 + random.Next(3), LeastAcceptance = 0 };
            var drafter = new NgramDrafter(options, random.Next(40));
            var text = new List<int>();
            for (var step = 0; step < 120; step++)
            {
                var token = random.Next(4);
                text.Add(token);
                drafter.Append(token);
                var draft = new int[1 + random.Next(6)];
                var drafted = drafter.Draft(draft);
                var expected = Naive(text, options);
                Assert.Equal(expected is null, drafted == 0);
                if (expected is { } end)
                {
                    var continued = text.ToList();
                    for (var index = 0; index < drafted; index++)
                    {
                        continued.Add(continued[end + index]);
                        Assert.Equal(continued[^1], draft[index]);
                    }
                }
            }
        }
    }

    [Fact]
    public void DraftGrowsWhileItStandsAndShrinksToWhatStood()
    {
        var drafter = Repeating(new NgramDrafterOptions { MaxDraftTokens = 16 });
        var draft = new int[64];
        Assert.Equal(4, drafter.Draft(draft));
        drafter.Report(4, 4);
        Assert.Equal(8, drafter.Draft(draft));
        drafter.Report(8, 8);
        drafter.Report(16, 16);
        Assert.Equal(16, drafter.Draft(draft));
        drafter.Report(16, 5);
        Assert.Equal(6, drafter.Draft(draft));
        Assert.Equal(2, drafter.Draft(draft.AsSpan(0, 2)));
    }

    [Fact]
    public void FallingAcceptancePausesDraftingLongerEachTime()
    {
        var drafter = Repeating(new NgramDrafterOptions { PauseTokens = 8, LeastAcceptance = 0.5f });
        var pauses = new List<int>();
        var draft = new int[8];
        for (var step = 0; step < 200; step++)
        {
            var drafted = drafter.Draft(draft);
            if (drafted > 0)
                drafter.Report(drafted, 0);
            if (drafter.IsPaused && drafted > 0)
                pauses.Add(0);
            if (drafter.IsPaused)
                pauses[^1]++;
            drafter.Append(step % 3);
        }

        Assert.Equal([8, 16, 32, 64], pauses.Take(4));
    }

    [Fact]
    public void RecoveredSequenceDraftsAgain()
    {
        var drafter = Repeating(new NgramDrafterOptions { PauseTokens = 8 });
        var draft = new int[8];
        while (!drafter.IsPaused)
            drafter.Report(drafter.Draft(draft), 0);
        for (var step = 0; step < 8; step++)
            drafter.Append(step % 3);
        Assert.False(drafter.IsPaused);
        Assert.True(drafter.Draft(draft) > 0);
        drafter.Report(1, 1);
        Assert.False(drafter.IsPaused);
    }

    [Fact]
    public void WhatStandsTooSeldomToPayIsNotDraftedUntilItPays()
    {
        var drafter = HalfStanding();
        var draft = new int[8];
        // Enough for a third, not for six tenths.
        Assert.True(drafter.Draft(draft, 0.33f) > 0);
        Assert.Equal(0, drafter.Draft(draft, 0.6f));
        for (var step = 0; step < 8; step++)
        {
            Assert.Equal(0, drafter.Draft(draft, 0.6f));
            drafter.Append(step % 3);
        }
        // A trial of one token, whose failure is enough for the next pause.
        Assert.Equal(1, drafter.Draft(draft, 0.6f));
        drafter.Report(1, 0);
        Assert.Equal(0, drafter.Draft(draft, 0.1f));
        Assert.Equal(0, drafter.Draft(draft, 0.9f));
    }

    [Fact]
    public void ATrialFollowsAPauseWhateverHasBecomeOfTheBreakEvenMeanwhile()
    {
        var drafter = HalfStanding();
        var draft = new int[8];
        for (var step = 0; step <= 8; step++)
        {
            Assert.Equal(step < 8 ? 0 : 1, drafter.Draft(draft, 0.6f + (step * 0.01f)));
            drafter.Append(step % 3);
        }
    }

    [Fact]
    public void WhereRowsAreDearANewSequenceBeginsShortAndOneFailureIsEnough()
    {
        var drafter = Repeating(new NgramDrafterOptions());
        var draft = new int[8];
        Assert.Equal(2, drafter.Draft(draft, 0.5f));
        drafter.Report(2, 0);
        Assert.Equal(0, drafter.Draft(draft, 0.5f));
    }

    [Fact]
    public void NothingIsAllocatedWithinTheCapacity()
    {
        var drafter = new NgramDrafter(NgramDrafterOptions.Default, 4000);
        var draft = new int[8];
        var random = new Random(3);

        void Steps(int count)
        {
            for (var step = 0; step < count; step++)
            {
                drafter.Append(random.Next(50));
                var drafted = drafter.Draft(draft);
                if (drafted > 0)
                    drafter.Report(drafted, drafted / 2);
            }
        }

        Steps(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Steps(3800);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void BadOptionsAreNamed()
    {
        var options = new NgramDrafterOptions { MinMatchTokens = 5, MaxMatchTokens = 4, MaxDraftTokens = 65, LeastAcceptance = float.NaN, PauseTokens = 0 };
        Assert.Equal(
            [
                "min_match_tokens is 5; allowed: 1 to 4",
                "max_draft_tokens is 65; allowed: 1 to 64",
                "pause_tokens is 0; allowed: 1 to 65536",
                "least_acceptance is NaN; allowed: 0 to 1",
            ],
            options.Validate().Select(error => error.ToString()));
        Assert.Throws<ArgumentException>(() => new NgramDrafter(options, 10));
    }

    // Of what it drafted half stood.
    private static NgramDrafter HalfStanding()
    {
        var drafter = Repeating(new NgramDrafterOptions { PauseTokens = 8 });
        for (var step = 0; step < 40; step++)
            drafter.Report(2, 1);
        return drafter;
    }

    private static NgramDrafter Repeating(NgramDrafterOptions options)
    {
        var drafter = new NgramDrafter(options, 64);
        for (var step = 0; step < 30; step++)
            drafter.Append(step % 3);
        return drafter;
    }

    // Where an earlier occurrence of the longest end of the text ended, the latest of them.
    private static int? Naive(List<int> text, NgramDrafterOptions options)
    {
        for (var length = options.MaxMatchTokens; length >= options.MinMatchTokens; length--)
        {
            for (var end = text.Count - 1; end >= length; end--)
            {
                if (text.Count > length && text.Skip(end - length).Take(length).SequenceEqual(text.TakeLast(length)))
                    return end;
            }
        }

        return null;
    }
}
