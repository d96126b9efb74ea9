using System.Collections.Concurrent;
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
    private readonly ServerOptions _options;
    private readonly EngineSupervisor _supervisor;
    private readonly AdapterCheck _check;
    private readonly ILogger _log;
    private readonly Lazy<AdapterFiles> _files;
    // Held where names, what rests, files and the served model change: each change sees all before it, and the names on disk with them.
    private readonly Lock _commit = new();
    private readonly RestingNames _resting = new();
    // Generations that the engine died of while it loaded them: they are not shown to it again.
    private readonly ConcurrentDictionary<string, bool> _killers = new(StringComparer.Ordinal);
    private ServedModel? _model;
    private EngineSession? _lastSession;
    private AdapterGeneration? _loading;
    private bool _starting;
    private bool _disposed;

    public AdapterStore(ServerOptions options, EngineSupervisor supervisor, IAdapterProbe probe, ILogger<AdapterStore> log)
    {
        _options = options;
        _supervisor = supervisor;
        _check = new AdapterCheck(probe);
        _log = log;
        _files = new Lazy<AdapterFiles>(() => new AdapterFiles(options));
        Registry.Retired = generation => _ = RetireAsync(generation);
    }

    /// <summary>Names and generations.</summary>
    public AdapterRegistry Registry { get; } = new();

    /// <summary>Registers the adapters given at start and those an earlier server left; before the model is loaded.</summary>
    /// <exception cref="StartupException">An adapter given at start is damaged or does not fit the model.</exception>
    public async Task RegisterAtStartAsync(ServedModel model, CancellationToken cancellation)
    {
        _starting = true;
        _model = model;
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
                throw new StartupException($"adapter '{source.Name}': {AdapterCheck.Of(source.Path, error).Message}", error.Remedy, StartupException.ModelExitCode, error);
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
        foreach (var source in _options.Adapters.Where(source => source.IsTemporary))
            DeleteQuietly(source.Path);
        lock (_commit)
            Save();
    }

    /// <summary>
    /// Makes adapters known to a fresh engine process before it serves: at the first load those that have names, after a restart those the process before
    /// knew; at most as many as there are slots, the rest when they are asked for.
    /// </summary>
    public async Task PrepareAsync(EngineSession session, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _loading, null) is { } suspect)
        {
            _killers[suspect.Sha256] = true;
            AdaptersLog.KilledTheEngine(_log, suspect.Sha256);
            if (_starting)
                throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_KILLS_ENGINE", $"the engine process died while it loaded adapter '{NameOf(suspect)}' ({suspect.Path})"));
        }
        var wanted = _lastSession?.Adapters.Known.Select(Registry.FindGeneration).OfType<AdapterGeneration>()
            ?? Registry.Names.Select(n => n.Value).Distinct();
        foreach (var generation in wanted.Take(session.Loaded.AdapterSlots))
        {
            if (_killers.ContainsKey(generation.Sha256))
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
        lock (_commit)
        {
            _lastSession = null;
            _model = model;
            foreach (var (name, generation) in Registry.Names)
            {
                try
                {
                    AdapterCheck.Validate(generation.Path, model);
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
            // The names on disk stay as they are: each has its generations there, whichever is served.
            Restore(model, resting);
        }
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
    public Task EnsureAsync(AdapterGeneration generation, EngineSession session, bool install)
    {
        if (session.Loaded.AdapterSlots == 0)
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "NO_ADAPTER_SLOTS", "the model is served without adapters; serve with --adapter-slots 1 or more"));
        if (_killers.ContainsKey(generation.Sha256))
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_QUARANTINED", "the engine process died while it loaded this adapter; upload it again once it is mended"));
        return session.Adapters.EnsureAsync(generation, install);
    }

    /// <summary>A path for a file that is being uploaded.</summary>
    /// <param name="bytes">Its length.</param>
    /// <param name="sha256">Its hash, "" where that is not known yet.</param>
    /// <exception cref="RefusalException">It does not fit beside the adapters that have names.</exception>
    public string NewIncoming(long bytes, string sha256)
    {
        lock (_commit)
            if (sha256.Length == 0 || !_files.Value.Has(sha256.ToLowerInvariant()))
                _files.Value.RequireRoom(bytes, IsHeld);
        return _files.Value.NewIncoming();
    }

    /// <summary>Checks a received file, makes the engine know it and points a name at it. Where that fails nothing has changed.</summary>
    /// <exception cref="RefusalException">The file is unusable, or the name has changed meanwhile.</exception>
    public async Task<AdapterGeneration> AdmitFileAsync(string name, string incoming, string sha256, string? expected, EngineSession session, CancellationToken cancellation)
    {
        var model = session.Model;
        var info = Registry.FindGeneration(sha256)?.Info;
        if (info is null || _killers.ContainsKey(sha256))
            info = await _check.RunAsync(incoming, model, cancellation);
        AdapterPin pin;
        lock (_commit)
        {
            pin = Registry.Hold(Keep(incoming, sha256, info));
            _killers.TryRemove(sha256, out _);
        }
        using (pin)
        {
            // Known to the engine before the first request asks for it; a slot is taken when one does.
            if (session.Loaded.AdapterSlots > 0)
                await EnsureAsync(pin.Generation, session, install: false).WaitAsync(cancellation);
            lock (_commit)
            {
                if (_model != model)
                    throw new RefusalException(new Refusal(RefusalKind.Conflict, "MODEL_CHANGED", $"'{model.Name}' was replaced during the upload, and the file was checked against that; upload it again"));
                Point(name, pin.Generation, expected);
            }
            return pin.Generation;
        }
    }

    /// <summary>Points a name at a generation that is stored.</summary>
    /// <exception cref="RefusalException">There is no such target, or the name has changed meanwhile.</exception>
    public AdapterGeneration Assign(string name, string target, string? expected)
    {
        using var pin = Registry.Has(target) ? Registry.Pin(target) : Hold(target.ToLowerInvariant()) ?? throw new RefusalException(Refusal.AdapterNotFound(target));
        lock (_commit)
            Point(name, pin.Generation, expected);
        return pin.Generation;
    }

    /// <summary>Forgets a name; one that rests because of the model that is served goes too, where that is all there is of it.</summary>
    /// <exception cref="RefusalException">There is no such name.</exception>
    public void Remove(string name)
    {
        lock (_commit)
        {
            if (Registry.Has(name))
            {
                Save(name, sha256: null);
                Registry.Remove(name);
                return;
            }
            var generations = _resting.Remove(name);
            if (generations.Count == 0)
                throw new RefusalException(Refusal.AdapterNotFound(name));
            Save();
            foreach (var sha256 in generations)
                if (!IsHeld(sha256))
                    _files.Value.Forget(sha256);
        }
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
        return Keep(incoming.Path, sha256, AdapterCheck.Validate(incoming.Path, model));
    }

    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whoever made it removes it at the end.
        }
    }

    private string NameOf(AdapterGeneration generation) => Registry.Names.FirstOrDefault(n => n.Value == generation).Key ?? generation.Info.Name;

    // A generation that no name points to may still be on disk.
    private AdapterPin? Hold(string sha256)
    {
        lock (_commit)
        {
            if (Registry.FindGeneration(sha256) is { } known)
                return Registry.Hold(known);
            if (!ContentHash.IsSha256(sha256) || !_files.Value.Has(sha256))
                return null;
        }
        var model = _supervisor.Session.Model;
        try
        {
            var stored = Stored(sha256, model);
            // Its room may have been needed meanwhile.
            lock (_commit)
                return _files.Value.Has(sha256) ? Registry.Hold(stored) : null;
        }
        catch (ModelFileException error)
        {
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_INVALID", $"the stored file cannot be used on '{model.Name}': {error.Message}"));
        }
    }

    private AdapterGeneration Stored(string sha256, ServedModel model)
    {
        var path = _files.Value.PathOf(sha256);
        var info = AdapterCheck.Validate(path, model);
        _files.Value.Verify(sha256);
        return new AdapterGeneration(sha256, path, info) { IsKept = true };
    }

    // The disk first: what is acknowledged outlives a crash, and what cannot be written has not happened.
    private void Point(string name, AdapterGeneration generation, string? expected)
    {
        Registry.CheckExpected(name, expected);
        Save(name, generation.Sha256);
        Registry.Point(name, generation, expected);
    }

    private AdapterGeneration Keep(string incoming, string sha256, LoraInfo info)
    {
        lock (_commit)
        {
            var isStored = _files.Value.Has(sha256);
            return new AdapterGeneration(sha256, _files.Value.Keep(incoming, sha256, IsHeld), info) { IsKept = isStored };
        }
    }

    private bool IsHeld(string sha256) => Registry.FindGeneration(sha256) is not null || _resting.Has(sha256);

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
            var known = Registry.FindGeneration(sha256);
            if (known is not null)
                AdapterCheck.Validate(known.Path, model);
            Registry.Point(name, known ?? Stored(sha256, model), expected: null);
            _resting.Remove(name, sha256);
            return true;
        }
        catch (ModelFileException error)
        {
            AdaptersLog.NotRestored(_log, name, error.Message);
            return false;
        }
    }

    // All names with their generations, the one that is served first; one of them as it is about to be, null = removed.
    private void Save(string changed = "", string? sha256 = null)
    {
        if (_options.StateDirectory is null)
            return;
        var served = Registry.Names.ToDictionary(n => n.Key, n => n.Value.Sha256, StringComparer.Ordinal);
        served.Remove(changed);
        if (sha256 is not null)
            served.Add(changed, sha256);
        var names = _resting.All;
        foreach (var (name, generation) in served)
            names[name] = [generation, .. names.GetValueOrDefault(name, []).Where(resting => resting != generation)];
        _files.Value.WriteNames(names);
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
