using System.Diagnostics.CodeAnalysis;
using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Tests;

/// <summary>A real engine on a clock of its own, where rows take time and copies none: what the scheduler decides does not depend on how busy the machine is.</summary>
internal sealed class ClockedEngine(GgufEngine engine, TimeSpan perRow) : IEngine
{
    private readonly Clock _clock = new();

    public TimeProvider Time => _clock;

    public EngineCapabilities Capabilities => engine.Capabilities;

    public ITokenVocabulary Vocabulary => engine.Vocabulary;

    public string? LastFault => engine.LastFault;

    public ExecutionStatus Execute(StepBatch batch)
    {
        _clock.Now += batch.Count * perRow;
        return engine.Execute(batch);
    }

    public Span<float> Logits(int output) => engine.Logits(output);

    public void SharePrefix(EngineSequence source, EngineSequence destination, int tokens) => engine.SharePrefix(source, destination, tokens);

    public bool Trim(EngineSequence sequence, int length) => engine.Trim(sequence, length);

    public void Clear(EngineSequence sequence) => engine.Clear(sequence);

    public int Length(EngineSequence sequence) => engine.Length(sequence);

    public long StateBytes(EngineSequence sequence) => engine.StateBytes(sequence);

    public bool TrySave(EngineSequence sequence, long bytes, [NotNullWhen(true)] out SavedState? state) => engine.TrySave(sequence, bytes, out state);

    public bool TryRestore(EngineSequence sequence, SavedState state) => engine.TryRestore(sequence, state);

    public PreparedAdapter PrepareAdapter(string path, CancellationToken cancellation) => engine.PrepareAdapter(path, cancellation);

    public bool InstallAdapter(int slot, PreparedAdapter adapter) => engine.InstallAdapter(slot, adapter);

    public void ClearAdapter(int slot) => engine.ClearAdapter(slot);

    public void Dispose() => engine.Dispose();

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromSeconds(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
