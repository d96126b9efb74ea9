using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Adapters;

/// <summary>Whether a file can be used on a model: the validator, and for uploads a throw-away process after it.</summary>
internal sealed class AdapterCheck(IAdapterProbe probe)
{
    private const string Upload = "the uploaded file";

    /// <summary>What the validator finds.</summary>
    /// <exception cref="ModelFileException">The file is damaged or does not fit the model.</exception>
    public static LoraInfo Validate(string path, ServedModel model) => LoraValidator.Validate(path, model.Path, model.Entry?.Manifest.Sha256);

    /// <summary>The same error, of the file that the operator knows.</summary>
    public static ModelFileException Of(string path, ModelFileException error) =>
        new(path, error.Field, error.Found, error.Allowed, error.Remedy, error.Offset, error);

    /// <summary>Both checks of an upload.</summary>
    /// <exception cref="RefusalException">The file is damaged, does not fit the model or cannot be used by the engine.</exception>
    public async Task<LoraInfo> RunAsync(string path, ServedModel model, CancellationToken cancellation)
    {
        LoraInfo info;
        try
        {
            info = Validate(path, model);
        }
        catch (ModelFileException error)
        {
            throw new RefusalException(new Refusal(RefusalKind.InvalidArgument, "ADAPTER_INVALID", $"the file cannot be used on '{model.Name}': {Of(Upload, error).Message}")
            {
                Violations = [new FieldViolation($"chunk: {error.Field}", error.Found, error.Allowed)],
            });
        }
        if (await probe.RunAsync(model.Path, path, cancellation) is not { } said)
            return info;
        var reason = said.Replace(path, Upload, StringComparison.Ordinal).Replace(Path.GetFileName(path), Upload, StringComparison.Ordinal);
        throw new RefusalException(new Refusal(RefusalKind.InvalidArgument, "ADAPTER_QUARANTINED", $"a throw-away engine process did not take the file: {reason}")
        {
            Violations = [new FieldViolation("chunk", reason, "an adapter that the engine can use")],
        });
    }
}
