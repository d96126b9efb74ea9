using InferenceHost.Cli.Bench.Measuring;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>Takes the data of one event.</summary>
/// <returns>True when the event was the last of its stream.</returns>
internal delegate bool SseEventHandler(ReadOnlySpan<byte> data, RequestTrace trace);
