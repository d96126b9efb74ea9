namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>A weight matrix that adapters may change.</summary>
/// <param name="Index">Its number, 0-based.</param>
/// <param name="Name">Tensor name in the model.</param>
/// <param name="Inputs">Width of the rows that go in.</param>
/// <param name="Outputs">Width of the rows that come out.</param>
internal sealed record AdapterModule(int Index, string Name, int Inputs, int Outputs)
{
    /// <summary>Whether the model's graph was seen to apply adapters to it.</summary>
    public bool IsApplied => Order != int.MaxValue;

    /// <summary>Its place among the modules in the order in which a step computes them.</summary>
    public int Order { get; set; } = int.MaxValue;
}
