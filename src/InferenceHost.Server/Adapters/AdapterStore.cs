using System.Globalization;
using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Lora;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Supervision;
using Microsoft.Extensions.Logging;

namespace InferenceHost.Server.Adapters;

/// <summary>
/// Brings registry, files and engine together: admits new files (validator, then a throw-away process), points names, keeps what engine processes know in
/// step, and forgets a generation in memory when its last name and its last request are gone, on disk when its name was removed or its room is needed.
/// </summary>
internal sealed class AdapterStore : IDisposable
{
    private const string Upload = "the uploaded file";

    private readonly ServerOptions _options;
    private readonly EngineSupervisor _supervisor;
    private readonly IAdapterProbe _probe;
    private readonly ILogger _log;
    private readonly Lazy<AdapterFiles> _files;
    private readonly RestingNames _resting = new();
    // Held where the names are read and written: whoever writes them last has seen all changes before.
    private readonly Lock _saving = new();
    // Held where a file is kept and a name pointed, or a file forgotten: the same content may come and go at the same time.
    private readonly Lock _commit = new();
    private EngineSession? _lastSession;
    private AdapterGeneration? _loading;
    private bool _starting;
    private bool _disposed;

    public AdapterStore(ServerOptions options, EngineSupervisor supervisor, IAdapterProbe probe, ILogger<AdapterStore> log)
    {
        _options = options;
        _supervisor = supervisor;
        _probe = probe;
        _log = log;
        _files = new Lazy<AdapterFiles>(() => new AdapterFiles(options));
        Registry.Retired = Retire;
    }

    /// <summary>Names and generations.</summary>
    public AdapterRegistry Registry { get; } = new();

    /// <summary>Registers the adapters given at start and those an earlier server left; before the model is loaded.</summary>
    /// <exception cref="StartupException">An adapter given at start is damaged or does not fit the model.</exception>
    public async Task RegisterAtStartAsync(ServedModel model, CancellationToken cancellation)
    {
        _starting = true;
        if (_options.StateDirectory is not null)
            Restore(model, _files.Value.ReadNames());
        foreach (var source in _options.Adapters)
        {
            try
            {
                var generation = await ImportAsync(source.Path, model, cancellation);
                Registry.Point(source.Name, generation, expected: null);
            }
            catch (ModelFileException error)
            {
                throw new StartupException($"adapter '{source.Name}': {Of(source.Path, error).Message}", error.Remedy, StartupException.ModelExitCode, error);
            }
            catch (RefusalException error)
            {
                throw new StartupException($"adapter '{source.Name}': {error.Refusal.Message}", "Serve with a larger --adapter-disk.", StartupException.ModelExitCode, error);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new StartupException($"adapter '{source.Name}' cannot be read: {error.Message}", "Check path and permissions.", StartupException.ModelExitCode, error);
            }
        }
        SaveNames();
    }

    /// <summary>
    /// Makes adapters known to a fresh engine process before it serves: at the first load those that have names, after a restart those the process before
    /// knew; at most as many as there are slots, the rest when they are asked for.
    /// </summary>
    public async Task PrepareAsync(EngineSession session, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _loading, null) is { } suspect)
        {
            suspect.KilledTheEngine = true;
            AdaptersLog.KilledTheEngine(_log, suspect.Sha256);
            if (_starting)
                throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_KILLS_ENGINE", $"the engine process died while it loaded adapter '{NameOf(suspect)}' ({suspect.Path})"));
        }
        var wanted = _lastSession?.Adapters.Known.Select(Registry.FindGeneration).OfType<AdapterGeneration>()
            ?? Registry.Names.Select(n => n.Value).Distinct();
        foreach (var generation in wanted.Take(session.Loaded.AdapterSlots))
        {
            if (generation.KilledTheEngine)
                continue;
            _loading = generation;
            try
            {
                await session.Adapters.EnsureAsync(generation, install: true).WaitAsync(cancellation);
                _loading = null;
            }
            catch (OperationCanceledException)
            {
                _loading = null;
                throw;
            }
            catch (RefusalException error) when (error.Refusal.Kind != RefusalKind.EngineRestarted)
            {
                _loading = null;
                if (_starting)
                    throw new RefusalException(error.Refusal with { Message = $"adapter '{NameOf(generation)}' was refused: {error.Refusal.Message}" });
                AdaptersLog.NotReloaded(_log, generation.Sha256, error.Refusal.Message);
            }
        }
        _lastSession = session;
        _starting = false;
    }

    /// <summary>Leaves aside the names whose adapters do not fit another model that is about to be served, and brings back those that do.</summary>
    public void Rebase(ServedModel model)
    {
        _lastSession = null;
        foreach (var (name, generation) in Registry.Names)
        {
            try
            {
                LoraValidator.Validate(generation.Path, model.Path, model.Entry?.Manifest.Sha256);
            }
            catch (ModelFileException error)
            {
                _resting.Add(name, generation.Sha256);
                AdaptersLog.NotRestored(_log, name, error.Message);
                Registry.Remove(name);
            }
        }
        var resting = _resting.All;
        foreach (var (name, _) in Registry.Names)
            resting.Remove(name);
        Restore(model, resting);
        SaveNames();
    }

    /// <summary>Holds the adapter of a request and makes the engine know it.</summary>
    /// <exception cref="RefusalException">There is none of that name, or the engine refuses it.</exception>
    public async ValueTask<AdapterPin> AdmitAsync(string name, EngineSession session)
    {
        var pin = Registry.Pin(name);
        try
        {
            await EnsureAsync(pin.Generation, session, install: false);
            return pin;
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    /// <summary>Makes the engine know a generation.</summary>
    /// <exception cref="RefusalException">It has no slots, or refuses the file.</exception>
    public static Task EnsureAsync(AdapterGeneration generation, EngineSession session, bool install)
    {
        if (session.Loaded.AdapterSlots == 0)
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "NO_ADAPTER_SLOTS", "the model is served without adapters; serve with --adapter-slots 1 or more"));
        if (generation.KilledTheEngine)
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_QUARANTINED", "the engine process died while it loaded this adapter; upload it again once it is mended"));
        return session.Adapters.EnsureAsync(generation, install);
    }

    /// <summary>A path for a file of so many bytes that is being uploaded.</summary>
    /// <exception cref="RefusalException">It does not fit beside the adapters that have names.</exception>
    public string NewIncoming(long bytes)
    {
        RefuseWithoutRoom(bytes);
        return _files.Value.NewIncoming();
    }

    /// <summary>Checks a received file, makes the engine know it and points a name at it. Where that fails nothing has changed.</summary>
    /// <exception cref="RefusalException">The file is unusable, or the name has changed meanwhile.</exception>
    public async Task<AdapterGeneration> AdmitFileAsync(string name, string incoming, string sha256, string? expected, EngineSession session, CancellationToken cancellation)
    {
        var model = session.Model;
        var generation = Registry.FindGeneration(sha256);
        var info = generation?.Info;
        if (generation is null or { KilledTheEngine: true })
        {
            info = Validate(incoming, model);
            if (await _probe.RunAsync(model.Path, incoming, cancellation) is { } said)
            {
                var reason = said.Replace(incoming, Upload, StringComparison.Ordinal).Replace(Path.GetFileName(incoming), Upload, StringComparison.Ordinal);
                throw new RefusalException(new Refusal(RefusalKind.InvalidArgument, "ADAPTER_QUARANTINED", $"a throw-away engine process did not take the file: {reason}")
                {
                    Violations = [new FieldViolation("chunk", reason, "an adapter that the engine can use")],
                });
            }
        }
        AdapterPin pin;
        lock (_commit)
        {
            pin = Registry.Hold(Keep(incoming, sha256, info!));
            pin.Generation.KilledTheEngine = false;
        }
        using (pin)
        {
            await IntroduceAsync(pin.Generation, session, cancellation);
            Registry.Point(name, pin.Generation, expected);
            SaveNames();
            return pin.Generation;
        }
    }

    /// <summary>Points a name at a generation that is stored.</summary>
    /// <exception cref="RefusalException">There is no such target, or the name has changed meanwhile.</exception>
    public AdapterGeneration Assign(string name, string target, string? expected)
    {
        using var pin = Registry.Names.Any(n => n.Key == target) ? Registry.Pin(target) : Hold(target.ToLowerInvariant()) ?? throw new RefusalException(Refusal.AdapterNotFound(target));
        Registry.Point(name, pin.Generation, expected);
        SaveNames();
        return pin.Generation;
    }

    /// <summary>Forgets a name.</summary>
    /// <exception cref="RefusalException">There is no such name.</exception>
    public void Remove(string name)
    {
        Registry.Remove(name);
        SaveNames();
    }

    /// <summary>Takes a generation out of the engine when the requests that use it now have ended. Requests that came meanwhile keep it there.</summary>
    public async Task UnloadAsync(AdapterGeneration generation, EngineSession session, CancellationToken cancellation)
    {
        await Registry.WhenPresentPinsAreReleased(generation).WaitAsync(cancellation);
        var dropping = Task.CompletedTask;
        Registry.TryWhileUnused(generation, () => dropping = session.Adapters.DropAsync(generation.Sha256));
        await dropping.WaitAsync(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_commit)
            _disposed = true;
        if (_files.IsValueCreated)
            _files.Value.Dispose();
    }

    // Copied, so that what is served cannot change under the server's feet.
    private async Task<AdapterGeneration> ImportAsync(string path, ServedModel model, CancellationToken cancellation)
    {
        await using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, useAsync: true);
        await using var incoming = new IncomingFile(_files.Value.NewIncoming(), source.Length);
        var buffer = new byte[1 << 20];
        int read;
        while ((read = await source.ReadAsync(buffer, cancellation)) > 0)
            await incoming.AppendAsync(buffer.AsMemory(0, read), cancellation);
        var sha256 = await incoming.CompleteAsync(expectedSha256: "");
        if (Registry.FindGeneration(sha256) is { } known)
            return known;
        var info = LoraValidator.Validate(incoming.Path, model.Path, model.Entry?.Manifest.Sha256);
        return Keep(incoming.Path, sha256, info);
    }

    private static LoraInfo Validate(string path, ServedModel model)
    {
        try
        {
            return LoraValidator.Validate(path, model.Path, model.Entry?.Manifest.Sha256);
        }
        catch (ModelFileException error)
        {
            throw new RefusalException(new Refusal(RefusalKind.InvalidArgument, "ADAPTER_INVALID", $"the file cannot be used on '{model.Name}': {Of(Upload, error).Message}")
            {
                Violations = [new FieldViolation($"chunk: {error.Field}", error.Found, error.Allowed)],
            });
        }
    }

    // The same error, of the file that the operator knows.
    private static ModelFileException Of(string path, ModelFileException error) =>
        new(path, error.Field, error.Found, error.Allowed, error.Remedy, error.Offset, error);

    private string NameOf(AdapterGeneration generation) => Registry.Names.FirstOrDefault(n => n.Value == generation).Key ?? generation.Info.Name;

    // Known to the engine before the first request asks for it; a slot is taken when one does.
    private static async Task IntroduceAsync(AdapterGeneration generation, EngineSession session, CancellationToken cancellation)
    {
        if (session.Loaded.AdapterSlots == 0)
            return;
        try
        {
            await EnsureAsync(generation, session, install: false).WaitAsync(cancellation);
        }
        catch (RefusalException error) when (error.Refusal.Kind == RefusalKind.EngineRestarted)
        {
            // That has nothing to do with the file: the next process is told when a request asks for it.
        }
    }

    // A generation that no name points to may still be on disk.
    private AdapterPin? Hold(string sha256)
    {
        lock (_commit)
        {
            if (Registry.FindGeneration(sha256) is { } known)
                return Registry.Hold(known);
            if (_supervisor.Status.Session is not { } session || !ContentHash.IsSha256(sha256) || !_files.Value.Has(sha256))
                return null;
            try
            {
                return Registry.Hold(Stored(sha256, session.Model));
            }
            catch (ModelFileException error)
            {
                throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_INVALID", $"the stored file cannot be used on '{session.Model.Name}': {error.Message}"));
            }
        }
    }

    private AdapterGeneration Stored(string sha256, ServedModel model)
    {
        var path = _files.Value.PathOf(sha256);
        var info = LoraValidator.Validate(path, model.Path, model.Entry?.Manifest.Sha256);
        _files.Value.Verify(sha256);
        return new AdapterGeneration(sha256, path, info) { IsKept = true };
    }

    private AdapterGeneration Keep(string incoming, string sha256, LoraInfo info)
    {
        lock (_commit)
        {
            if (!_files.Value.Has(sha256))
            {
                var bytes = new FileInfo(incoming).Length;
                RefuseWithoutRoom(bytes);
                _files.Value.Trim(_options.AdapterDiskBytes - bytes, IsHeld);
            }
            return new AdapterGeneration(sha256, _files.Value.Keep(incoming, sha256), info);
        }
    }

    private bool IsHeld(string sha256) => Registry.FindGeneration(sha256) is not null || _resting.Has(sha256);

    private void RefuseWithoutRoom(long bytes)
    {
        if (_files.Value.HeldBytes(IsHeld) is var held && held + bytes > _options.AdapterDiskBytes)
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_DISK_FULL", string.Create(CultureInfo.InvariantCulture,
                $"the file has {bytes} bytes and the adapters with names {held}, more than --adapter-disk {_options.AdapterDiskBytes} together; remove some, or serve with more")));
    }

    // Each name gets the first of its generations that fits the model; the others rest.
    private void Restore(ServedModel model, IReadOnlyDictionary<string, string[]> names)
    {
        foreach (var (name, generations) in names)
        {
            foreach (var sha256 in generations.Reverse())
                _resting.Add(name, sha256);
            foreach (var sha256 in generations)
                if (TryRestore(name, sha256, model))
                    break;
        }
    }

    private bool TryRestore(string name, string sha256, ServedModel model)
    {
        try
        {
            Registry.Point(name, Registry.FindGeneration(sha256) ?? Stored(sha256, model), expected: null);
            _resting.Remove(name, sha256);
            return true;
        }
        catch (ModelFileException error)
        {
            AdaptersLog.NotRestored(_log, name, error.Message);
            return false;
        }
    }

    private void SaveNames()
    {
        if (_options.StateDirectory is null)
            return;
        lock (_saving)
        {
            var names = _resting.All;
            foreach (var (name, generation) in Registry.Names)
                names[name] = [generation.Sha256, .. names.GetValueOrDefault(name, []).Where(sha256 => sha256 != generation.Sha256)];
            _files.Value.WriteNames(names);
        }
    }

    private void Retire(AdapterGeneration generation)
    {
        _ = RetireAsync(generation);
    }

    private async Task RetireAsync(AdapterGeneration generation)
    {
        var dropping = Task.CompletedTask;
        lock (_commit)
        {
            // The same content may have come back meanwhile.
            if (Registry.FindGeneration(generation.Sha256) is null && _supervisor.Status.Session is { } session)
                dropping = session.Adapters.DropAsync(generation.Sha256);
        }
        // Where the process ended, what it knew ended with it.
        await dropping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_commit)
        {
            if (IsHeld(generation.Sha256) || _disposed)
                return;
            if (generation.IsKept)
                _files.Value.Touch(generation.Sha256);
            else
                _files.Value.Forget(generation.Sha256);
        }
    }
}
