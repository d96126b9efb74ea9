using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Lora;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Adapters through llama.cpp itself: one per call. The fall-back where routing does not fit a model or device.</summary>
internal sealed unsafe class GroupedAdapters(LlamaModelHandle model, LlamaContextHandle context, string modelPath, int slots) : IAdapterPath
{
    private readonly LlamaAdapterHandle?[] _slots = new LlamaAdapterHandle?[slots + 1];
    private int _slot;
    private float _scale = 1;

    /// <inheritdoc/>
    public AdapterMode Mode => AdapterMode.Grouped;

    /// <inheritdoc/>
    public bool Accepts(StepBatch batch)
    {
        var slot = batch.AdapterSlots[0];
        var scale = batch.AdapterScales[0];
        return (uint)slot < (uint)_slots.Length && (slot == 0 || _slots[slot] is not null) && float.IsFinite(scale)
            && !batch.AdapterSlots.ContainsAnyExcept(slot) && !batch.AdapterScales.ContainsAnyExcept(scale);
    }

    /// <inheritdoc/>
    public void BeforeStep(StepBatch batch) => Set(batch.AdapterSlots[0], batch.AdapterScales[0]);

    /// <inheritdoc/>
    public string? AfterStep() => null;

    /// <inheritdoc/>
    public PreparedAdapter Prepare(string path, CancellationToken cancellation)
    {
        try
        {
            var info = LoraValidator.Validate(path, modelPath);
            cancellation.ThrowIfCancellationRequested();
            return new FileAdapter(File.ReadAllBytes(path), info.MaxRank);
        }
        catch (ModelFileException refused)
        {
            throw new EngineException(refused.Message, refused);
        }
    }

    /// <inheritdoc/>
    public bool Install(int slot, PreparedAdapter adapter)
    {
        // llama.cpp lists the adapters of a model without a lock, so this happens on the engine's thread.
        var file = adapter as FileAdapter ?? throw new ArgumentException("the adapter was prepared by another engine", nameof(adapter));
        Clear(slot);
        _slots[slot] = LlamaAdapterHandle.Load(model, file.Path);
        return true;
    }

    /// <inheritdoc/>
    public void Clear(int slot)
    {
        if (slot < 1 || slot >= _slots.Length)
            throw new ArgumentOutOfRangeException(nameof(slot), slot, $"adapter slots are 1..{_slots.Length - 1}");
        if (_slot == slot)
            Set(0, 1);
        _slots[slot]?.Dispose();
        _slots[slot] = null;
    }

    public void Dispose()
    {
        for (var slot = 1; slot < _slots.Length; slot++)
            _slots[slot]?.Dispose();
    }

    private void Set(int slot, float scale)
    {
        if (slot == _slot && (slot == 0 || scale == _scale))
            return;
        var adapter = _slots[slot]?.DangerousGetHandle() ?? 0;
        var result = LibLlama.llama_set_adapters_lora(context, &adapter, slot == 0 ? 0u : 1u, &scale);
        if (result != 0)
            throw new EngineException($"llama.cpp could not set adapter slot {slot}: {result}");
        (_slot, _scale) = (slot, scale);
    }
}
