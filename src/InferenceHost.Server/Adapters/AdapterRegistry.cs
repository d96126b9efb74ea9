using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Adapters;

/// <summary>
/// Names and the generations they point to. Pointing is compare-and-swap; a generation lives as long as a name or a request holds it, and is handed to
/// <see cref="Retired"/> then, exactly once.
/// </summary>
internal sealed class AdapterRegistry
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, AdapterGeneration> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AdapterGeneration> _generations = new(StringComparer.Ordinal);

    /// <summary>Called, outside of any lock, with a generation that nothing holds any more.</summary>
    public Action<AdapterGeneration>? Retired { get; set; }

    /// <summary>All names, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, AdapterGeneration>> Names
    {
        get
        {
            lock (_gate)
                return [.. _names];
        }
    }

    /// <summary>What a name points to.</summary>
    /// <exception cref="RefusalException">There is no such name.</exception>
    public AdapterGeneration Find(string name)
    {
        lock (_gate)
            return FindLocked(name);
    }

    /// <summary>Whether there is such a name.</summary>
    public bool Has(string name)
    {
        lock (_gate)
            return _names.ContainsKey(name);
    }

    /// <summary>A generation by its hash; null where none is known.</summary>
    public AdapterGeneration? FindGeneration(string sha256)
    {
        lock (_gate)
            return _generations.GetValueOrDefault(sha256);
    }

    /// <summary>Holds what a name points to now, for one request.</summary>
    /// <exception cref="RefusalException">There is no such name.</exception>
    public AdapterPin Pin(string name)
    {
        lock (_gate)
        {
            var generation = FindLocked(name);
            return new AdapterPin(this, generation, generation.Pin());
        }
    }

    /// <summary>Holds a generation before a name points to it; it is found by its hash from now on.</summary>
    /// <param name="generation">Where its content is known already, that generation is held in its stead.</param>
    public AdapterPin Hold(AdapterGeneration generation)
    {
        lock (_gate)
        {
            generation = KnownLocked(generation);
            return new AdapterPin(this, generation, generation.Pin());
        }
    }

    /// <summary>Refuses what <see cref="Point"/> would refuse now, so that an upload need not be made in vain.</summary>
    /// <exception cref="RefusalException">The name does not point to what is expected.</exception>
    public void CheckExpected(string name, string? expected)
    {
        lock (_gate)
            CheckLocked(name, expected);
    }

    /// <summary>Points a name at a generation.</summary>
    /// <param name="name">The name; made where it does not exist.</param>
    /// <param name="generation">Found by its hash where it is known already, so that the same content is one generation.</param>
    /// <param name="expected">Hash the name must point to now, "" = the name must be new, null = no condition.</param>
    /// <returns>The generation it points to now.</returns>
    /// <exception cref="RefusalException">The name does not point to what is expected.</exception>
    public AdapterGeneration Point(string name, AdapterGeneration generation, string? expected)
    {
        AdapterGeneration? retired = null;
        lock (_gate)
        {
            CheckLocked(name, expected);
            generation = KnownLocked(generation);
            if (_names.TryGetValue(name, out var before) && before == generation)
                return generation;
            _names[name] = generation;
            generation.Names++;
            generation.IsKept = true;
            if (before is not null)
            {
                before.Names--;
                retired = RetireLocked(before);
            }
        }
        Retire(retired);
        return generation;
    }

    /// <summary>Forgets a name.</summary>
    /// <exception cref="RefusalException">There is no such name.</exception>
    public void Remove(string name)
    {
        AdapterGeneration? retired;
        lock (_gate)
        {
            var generation = FindLocked(name);
            _names.Remove(name);
            generation.Names--;
            generation.IsKept &= generation.Names > 0;
            retired = RetireLocked(generation);
        }
        Retire(retired);
    }

    /// <summary>A request has ended; called by its pin.</summary>
    public void Release(AdapterGeneration generation, long pin)
    {
        AdapterGeneration? retired;
        lock (_gate)
        {
            generation.Release(pin);
            retired = RetireLocked(generation);
        }
        Retire(retired);
    }

    /// <summary>Completes when the requests that use a name's generation now have ended.</summary>
    public Task WhenPresentPinsAreReleased(AdapterGeneration generation)
    {
        lock (_gate)
            return generation.WhenPresentPinsAreReleased();
    }

    /// <summary>Requests that use a generation.</summary>
    public int PinsOf(AdapterGeneration generation)
    {
        lock (_gate)
            return generation.Pins;
    }

    /// <summary>Runs an action while no request can pin the generation, if none does.</summary>
    /// <returns>False where a request uses it.</returns>
    public bool TryWhileUnused(AdapterGeneration generation, Action action)
    {
        lock (_gate)
        {
            if (generation.Pins > 0)
                return false;
            action();
            return true;
        }
    }

    private AdapterGeneration FindLocked(string name) =>
        _names.TryGetValue(name, out var generation) ? generation : throw new RefusalException(Refusal.AdapterNotFound(name));

    // The generation of this content: the one that is known, or else this, which is known from now on.
    private AdapterGeneration KnownLocked(AdapterGeneration generation) =>
        _generations.TryGetValue(generation.Sha256, out var known) ? known : _generations[generation.Sha256] = generation;

    private void CheckLocked(string name, string? expected)
    {
        if (expected is null)
            return;
        var present = _names.TryGetValue(name, out var generation) ? generation.Sha256 : "";
        if (string.Equals(present, expected, StringComparison.OrdinalIgnoreCase))
            return;
        throw new RefusalException(expected.Length == 0
            ? new Refusal(RefusalKind.AlreadyExists, "ADAPTER_EXISTS", $"adapter '{name}' exists; give its present generation as expected_sha256 to replace it")
            {
                Resource = ("adapter", name),
                Metadata = new Dictionary<string, string> { ["present_sha256"] = present },
            }
            : new Refusal(RefusalKind.Conflict, "ADAPTER_GENERATION_CHANGED",
                $"adapter '{name}' points to {(present.Length == 0 ? "nothing" : present)}, not to the expected {expected}; read it again and decide anew")
            {
                Resource = ("adapter", name),
                Metadata = new Dictionary<string, string> { ["present_sha256"] = present, ["expected_sha256"] = expected },
            });
    }

    private AdapterGeneration? RetireLocked(AdapterGeneration generation)
    {
        if (generation.Names > 0 || generation.Pins > 0)
            return null;
        return _generations.Remove(generation.Sha256) ? generation : null;
    }

    private void Retire(AdapterGeneration? generation)
    {
        if (generation is not null)
            Retired?.Invoke(generation);
    }
}
