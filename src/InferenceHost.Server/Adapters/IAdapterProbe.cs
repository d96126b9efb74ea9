namespace InferenceHost.Server.Adapters;

/// <summary>Shows a new adapter to a process that may die of it.</summary>
internal interface IAdapterProbe
{
    /// <summary>Loads the adapter on the model and decodes a few tokens in a throw-away process.</summary>
    /// <returns>Null where it is usable, else why not.</returns>
    Task<string?> RunAsync(string modelPath, string adapterPath, CancellationToken cancellation);
}
