using System.Diagnostics.CodeAnalysis;

namespace InferenceHost.Core.Execution;

/// <summary>
/// One loaded model with its KV memory. Everything here is called by the one thread that owns the engine, except where a member says otherwise.
/// The scheduler reads <see cref="Capabilities"/> and never asks which engine it drives.
/// </summary>
public interface IEngine : IDisposable
{
    /// <summary>What this engine can do; fixed after load.</summary>
    EngineCapabilities Capabilities { get; }

    /// <summary>The vocabulary of the loaded model; may be read from any thread.</summary>
    ITokenVocabulary Vocabulary { get; }

    /// <summary>
    /// Computes all rows of <paramref name="batch"/> in one call. On <see cref="ExecutionStatus.Completed"/> every row is in the KV memory and
    /// <see cref="Logits"/> answers for each output. On any other status the caller brings each sequence back with <see cref="Trim"/>.
    /// </summary>
    ExecutionStatus Execute(StepBatch batch);

    /// <summary>What went wrong in the last <see cref="Execute"/> that gave <see cref="ExecutionStatus.Failed"/>, for the operator; null where no more is known than that.</summary>
    string? LastFault { get; }

    /// <summary>
    /// Logits of output <paramref name="output"/> of the last completed <see cref="Execute"/>: [vocabulary size], float32, writable, valid until the next call.
    /// Several threads may ask at the same time, each for outputs of its own, while the owning thread calls nothing else.
    /// </summary>
    Span<float> Logits(int output);

    /// <summary>Makes the first <paramref name="tokens"/> positions of <paramref name="source"/> visible to the empty sequence <paramref name="destination"/>, sharing cells by reference.</summary>
    void SharePrefix(EngineSequence source, EngineSequence destination, int tokens);

    /// <summary>Drops every position at or behind <paramref name="length"/> of a sequence; false where the engine's memory cannot be trimmed to that point.</summary>
    bool Trim(EngineSequence sequence, int length);

    /// <summary>Drops a sequence whole; its cells that nobody shares are free again.</summary>
    void Clear(EngineSequence sequence);

    /// <summary>Positions the engine itself holds for a sequence (highest position + 1), for invariant checks.</summary>
    int Length(EngineSequence sequence);

    /// <summary>
    /// Host memory that <see cref="TrySave"/> would take for a sequence, bytes; 0 where its state cannot be saved so that a restored sequence is like the
    /// original in everything, trimming and sharing included.
    /// </summary>
    long StateBytes(EngineSequence sequence);

    /// <summary>
    /// Copies the whole state of a sequence to host memory; the sequence and the logits of the last step stay as they are. Cells it shares with others are
    /// copied too. False where that failed or <paramref name="bytes"/> is 0.
    /// </summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="bytes">What <see cref="StateBytes"/> says of it now; measuring a state costs a walk over its cells.</param>
    /// <param name="state">The copy.</param>
    bool TrySave(EngineSequence sequence, long bytes, [NotNullWhen(true)] out SavedState? state);

    /// <summary>
    /// Copies a saved state into the empty sequence <paramref name="sequence"/>, any number will do. It takes <see cref="SavedState.Tokens"/> cells of its own,
    /// which the caller has made sure are free. False where that failed: the sequence is empty then and no cell is taken.
    /// </summary>
    bool TryRestore(EngineSequence sequence, SavedState state);

    /// <summary>
    /// Reads an adapter file and makes it ready for <see cref="InstallAdapter"/>; may be called from any thread, and must be: it does disk work.
    /// Throws <see cref="EngineException"/> with a message for the operator where the file does not fit the model.
    /// </summary>
    PreparedAdapter PrepareAdapter(string path, CancellationToken cancellation);

    /// <summary>
    /// Copies a prepared adapter into a slot (1..<see cref="EngineCapabilities.AdapterSlots"/>) between two steps. Slot 0 is the base model and cannot be written.
    /// False where the copy would have held the next step up and only a part of it is done: the same call goes on with it, and until it is true no row may use the slot.
    /// Throws <see cref="EngineException"/> where that cannot be done, for lack of memory for example; the slot is empty then.
    /// </summary>
    bool InstallAdapter(int slot, PreparedAdapter adapter);

    /// <summary>Empties a slot.</summary>
    void ClearAdapter(int slot);
}
