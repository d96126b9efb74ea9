using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>Adapters as llama.cpp's converter writes them with <c>--outtype q8_0</c>.</summary>
public sealed class QuantisedAdapterTests
{
    private const int Tokens = 8;

    [Theory]
    [InlineData(AdapterRouting.Grouped, false, AdapterStorage.F16)]
    [InlineData(AdapterRouting.Auto, false, AdapterStorage.F16)]
    [InlineData(AdapterRouting.Auto, false, AdapterStorage.Int8)]
    [InlineData(AdapterRouting.Auto, true, AdapterStorage.F16)]
    [InlineData(AdapterRouting.Auto, true, AdapterStorage.Int8)]
    public void AQuantisedAdapterActsLikeItsOriginal(AdapterRouting routing, bool stacked, AdapterStorage storage)
    {
        using var folder = new TemporaryFolder();
        var reference = Reference.Tiny("llama");
        using var engine = RoutedEngines.Load(reference, options => options with { AdapterRouting = routing, StackedAdapters = stacked, AdapterStorage = storage });
        using (var quantised = engine.PrepareAdapter(Quantise(reference.Adapters[1].Path, folder), TestContext.Current.CancellationToken))
            RoutedEngines.Install(engine, 4, quantised);
        var original = Logits(engine, reference, 2);
        Assert.InRange(SelfTestLogits.Distance(Logits(engine, reference, 4), original), 0, 0.02);
        Assert.True(SelfTestLogits.Distance(Logits(engine, reference, 0), original) > 0.1);
    }

    private static float[] Logits(GgufEngine engine, Reference reference, int slot)
    {
        var batch = new StepBatch(Tokens);
        for (var at = 0; at < Tokens - 1; at++)
            batch.Add(reference.Prompts[0][at], at, new EngineSequence(slot), slot, 1);
        batch.AddOutput(reference.Prompts[0][Tokens - 1], Tokens - 1, new EngineSequence(slot), slot, 1);
        Assert.Equal(ExecutionStatus.Completed, engine.Execute(batch));
        return engine.Logits(0).ToArray();
    }

    // Rank 8 becomes 32, so that rows of B are whole blocks: the rest is zero, and alpha grows with the rank.
    private static string Quantise(string path, TemporaryFolder folder)
    {
        const int rank = 32;
        using var file = GgufFile.Open(path);
        Assert.True(file.TryGetSingle("adapter.lora.alpha", out var alpha) && file.TryGetTensor("blk.0.attn_q.weight.lora_a", out var any) && any.Ne1 == 8);
        var writer = new GgufWriter().Add("general.architecture", "llama").Add("general.type", "adapter").Add("adapter.type", "lora")
            .Add("adapter.lora.alpha", alpha * rank / 8);
        foreach (var tensor in file.Tensors)
        {
            var isA = tensor.Name.EndsWith(".lora_a", StringComparison.Ordinal);
            var numbers = MemoryMarshal.Cast<byte, Half>(file.TensorBytes(tensor, 0, (int)tensor.ByteLength)).ToArray();
            var padded = isA ? [.. numbers, .. new Half[(rank - 8) * tensor.Ne0]] : numbers.Chunk(8).SelectMany(row => row.Concat(new Half[rank - 8])).ToArray();
            writer.AddTensor(tensor.Name, isA ? [tensor.Ne0, rank] : [rank, tensor.Ne1], GgmlType.Q8_0, padded.Chunk(32).SelectMany(Block).ToArray());
        }
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return folder.File("q8_0.gguf", stream.ToArray());
    }

    private static byte[] Block(Half[] numbers)
    {
        var scale = numbers.Max(number => Math.Abs((float)number)) / 127;
        return [.. BitConverter.GetBytes((Half)scale), .. numbers.Select(number => (byte)(sbyte)MathF.Round(scale == 0 ? 0 : (float)number / scale))];
    }
}
