using InferenceHost.ModelFiles.Lora;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Adapters;

namespace InferenceHost.Server.Tests.Adapters;

public sealed class AdapterRegistrationsTests
{
    [Fact]
    public async Task DroppedGenerationsLeaveNothing()
    {
        var registrations = new AdapterRegistrations((_, _) => Task.FromResult(new FromWorker { Done = new Done() }));
        for (var i = 0; i < 1_000; i++)
        {
            await registrations.EnsureAsync(Generation($"{i}"), install: i % 2 == 0);
            if (i > 0)
                await registrations.DropAsync($"{i - 1}");
        }

        Assert.Equal(["999"], registrations.Known);
        Assert.Equal(1, registrations.Count);
    }

    [Fact]
    public async Task GenerationThatIsAskedForWhileItIsDroppedIsLoadedAfterwards()
    {
        var calls = new List<string>();
        var gate = new TaskCompletionSource();
        var registrations = new AdapterRegistrations(async (message, _) =>
        {
            lock (calls)
                calls.Add(message.BodyCase == ToWorker.BodyOneofCase.DropAdapter ? "drop" : "load");
            if (message.BodyCase == ToWorker.BodyOneofCase.DropAdapter)
                await gate.Task;
            return new FromWorker { Done = new Done() };
        });
        await registrations.EnsureAsync(Generation("x"), install: false);
        var dropping = registrations.DropAsync("x");
        var loading = registrations.EnsureAsync(Generation("x"), install: false);
        gate.SetResult();
        await Task.WhenAll(dropping, loading);
        Assert.Equal(["load", "drop", "load"], calls);
        Assert.Equal(["x"], registrations.Known);
    }

    // Any file will do: nobody reads it here.
    private static AdapterGeneration Generation(string sha256) =>
        new(sha256, typeof(AdapterRegistrations).Assembly.Location, new LoraInfo("x", "llama", 1, null, [], 0));
}
