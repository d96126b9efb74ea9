using System.Diagnostics;
using System.Globalization;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;
using InferenceHost.Engines.Gguf;

namespace InferenceHost.Worker;

/// <summary>Measures the engine loop alone, without server and socket: tokens per second of streams that decode together. One JSON line a repetition.</summary>
internal static class DecodeBenchmark
{
    public static int Run(string[] arguments)
    {
        string? model = null;
        bool ownAttention = true, ownProducts = true;
        int threads = 0, tokens = 64, streams = 1, repeat = 5, prompt = 16, slots = 0;
        int? samplingThreads = null;
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            var value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--model": model = value; break;
                case "--threads": threads = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--tokens": tokens = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--streams": streams = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--prompt-tokens": prompt = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--repeat": repeat = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--sampling-threads": samplingThreads = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--attention": ownAttention = value != "ggml"; break;
                case "--adapter-slots": slots = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--products": ownProducts = value != "ggml"; break;
                default: return Fail($"unknown option {arguments[i]}");
            }
        }
        if (model is null || arguments.Length % 2 != 0) return Fail("usage: bench --model PATH [--threads N] [--tokens N] [--streams N] [--prompt-tokens N] [--sampling-threads N] [--repeat N] [--adapter-slots N] [--attention own|ggml] [--products own|ggml]");
        var engineOptions = new GgufEngineOptions
        {
            ModelPath = model,
            Threads = threads,
            Device = GgufDevice.Auto,
            Parallel = streams,
            MaxSequences = streams,
            AdapterSlots = slots,
            OwnAttention = ownAttention,
            OwnProducts = ownProducts,
        };
        using var engine = GgufEngine.Load(engineOptions);
        var sink = new Discard();
        var options = new LoopOptions { Scheduling = new SchedulerOptions { Parallel = streams, PrefixCache = false } };
        using var loop = new EngineLoop(engine, sink, options with { SamplingThreads = samplingThreads ?? options.SamplingThreads });
        var id = 0UL;
        for (var round = -1; round < repeat; round++)
        {
            for (var s = 0; s < streams; s++) loop.Submit(Request(++id, prompt, tokens, engine.Capabilities.VocabularySize));
            var submitted = Stopwatch.GetTimestamp();
            while (sink.Started < streams) loop.Step();
            var prefillSeconds = Stopwatch.GetElapsedTime(submitted).TotalSeconds;
            var before = sink.Tokens;
            var start = Stopwatch.GetTimestamp();
            while (loop.Step()) ;
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var rate = (sink.Tokens - before) / seconds;
            sink.Tokens = sink.Started = 0;
            var prefillRate = streams * (double)prompt / prefillSeconds;
            if (round >= 0)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"streams\":{streams},\"prompt_tokens\":{prompt},\"prefill_tokens_per_second\":{prefillRate:F1},\"threads\":{engine.Threads},\"own_attention\":{(engine.OwnAttention ? "true" : "false")},\"own_products\":{(engine.OwnProducts ? "true" : "false")},\"tokens_per_second\":{rate:F2}}}"));
        }
        return 0;
    }

    private static SequenceRequest Request(ulong id, int prompt, int tokens, int vocabulary) => new()
    {
        Id = new SequenceId(id),
        Tenant = "bench",
        Prompt = Enumerable.Range(0, prompt).Select(t => (int)((id * 31) + (ulong)t) % vocabulary).ToArray(),
        MaxNewTokens = tokens,
        Sampling = SamplingParameters.Greedy,
        IgnoreEndOfGeneration = true,
    };

    private static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }

    private sealed class Discard : IStepSink
    {
        public int Tokens { get; set; }

        /// <summary>Streams that have their first token.</summary>
        public int Started { get; set; }

        public void Publish(StepFrame frame)
        {
            foreach (var delta in frame.Deltas)
            {
                Tokens += frame.Tokens(delta).Length;
                if (delta.PromptTokens > 0) Started++;
            }
        }
    }
}
