namespace InferenceHost.Core.Speculation;

/// <summary>
/// Drafts tokens by prompt look-up: where the last few tokens of a sequence occurred before, what followed there is proposed again. Pays on summaries, edits, code and lists;
/// costs a few table look-ups elsewhere. One per sequence, owned by the thread of the decode loop.
/// </summary>
/// <remarks>
/// The text is indexed as it grows; up to the capacity given at creation no call allocates. The draft length doubles while whole drafts are accepted and falls back to
/// one more than was accepted; when the running acceptance falls below the floor or below what pays at the moment, drafting pauses for a number of tokens, twice as
/// long each time it fails again. Where rows are dear, a new sequence begins with a short draft, and one failure is enough.
/// The method is Saxena's "prompt lookup decoding" (2023); whether a draft stands is decided where it is sampled.
/// </remarks>
public sealed class NgramDrafter
{
    private const float TokenWeight = 1 / 16f, FirstAcceptance = 0.5f;

    // Beyond it even a good draft brings little, and finding out which is one costs more.
    private const float MostBreakEven = 0.8f;
    private const int LongestPauseTokens = 65_536, FirstDraftTokens = 4, FirstDearDraftTokens = 2;

    private readonly NgramDrafterOptions _options;
    private readonly NgramIndex[] _indexes;
    private int[] _text;
    private int _length;
    private int _draftTokens;
    private int _pauseTokens;
    private int _pausedUntil;
    private float _leastAcceptance;
    private bool _hasReported;
    private bool _isTrial;

    /// <param name="options">Options that passed <see cref="NgramDrafterOptions.Validate"/>.</param>
    /// <param name="capacityTokens">Prompt and output tokens up to which no call allocates.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    public NgramDrafter(NgramDrafterOptions options, int capacityTokens)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(capacityTokens);
        if (options.Validate() is { Count: > 0 } errors)
            throw new ArgumentException(errors[0].ToString(), nameof(options));
        _options = options;
        _indexes = new NgramIndex[options.MaxMatchTokens - options.MinMatchTokens + 1];
        for (var index = 0; index < _indexes.Length; index++)
            _indexes[index] = new NgramIndex(options.MaxMatchTokens - index, capacityTokens);
        _text = new int[Math.Max(16, capacityTokens)];
        _draftTokens = Math.Min(FirstDraftTokens, options.MaxDraftTokens);
        _pauseTokens = options.PauseTokens;
        _leastAcceptance = options.LeastAcceptance;
    }

    /// <summary>Tokens known so far, prompt and output.</summary>
    public int TextTokens => _length;

    /// <summary>Whether drafting is switched off for now because too little was accepted.</summary>
    public bool IsPaused => _length < _pausedUntil;

    /// <summary>Running average over drafted tokens of those that were accepted; starts at a half, or at what pays where that is above the floor.</summary>
    public float Acceptance { get; private set; } = FirstAcceptance;

    /// <summary>Takes the prompt, or several tokens of output.</summary>
    public void Append(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
            Append(token);
    }

    /// <summary>Takes one token.</summary>
    public void Append(int token)
    {
        // The n-gram that ended the text so far has something that follows it only now.
        var text = _text.AsSpan(0, _length);
        foreach (var index in _indexes)
            index.Add(text, _length);
        if (_length == _text.Length)
            Array.Resize(ref _text, checked(_text.Length * 2));
        _text[_length++] = token;
    }

    /// <summary>Writes what may follow the text.</summary>
    /// <param name="draft">Receives the draft; its length limits it as <see cref="NgramDrafterOptions.MaxDraftTokens"/> does.</param>
    /// <param name="breakEven">Share of drafted tokens that must stand for drafts to pay now; drafting pauses where fewer did.</param>
    /// <returns>Tokens drafted; 0 when nothing matches or drafting is paused.</returns>
    public int Draft(Span<int> draft, float breakEven = 0)
    {
        if (IsPaused || draft.IsEmpty || breakEven > MostBreakEven)
            return 0;
        _leastAcceptance = Math.Max(_options.LeastAcceptance, breakEven);
        if (!_hasReported && breakEven > _options.LeastAcceptance)
            (Acceptance, _draftTokens) = (breakEven, Math.Min(_draftTokens, FirstDearDraftTokens));
        if (_isTrial)
            Acceptance = Math.Max(Acceptance, _leastAcceptance);
        if (Acceptance < _leastAcceptance)
        {
            Pause();
            return 0;
        }
        var text = _text.AsSpan(0, _length);
        foreach (var index in _indexes)
        {
            if (!index.TryFindEnd(text, out var end))
                continue;

            // A match right before the end repeats with the period between the two: go round in it.
            var wanted = Math.Min(draft.Length, _draftTokens);
            for (var drafted = 0; drafted < wanted; drafted++)
                draft[drafted] = end + drafted < _length ? text[end + drafted] : draft[end + drafted - _length];
            return wanted;
        }

        return 0;
    }

    /// <summary>Tells what became of a draft.</summary>
    /// <param name="drafted">Tokens that were verified, 1 or more.</param>
    /// <param name="accepted">How many of them stood, 0 to <paramref name="drafted"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The numbers do not go together.</exception>
    public void Report(int drafted, int accepted)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(drafted);
        ArgumentOutOfRangeException.ThrowIfNegative(accepted);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(accepted, drafted);
        _hasReported = true;
        _isTrial = false;
        _draftTokens = Math.Clamp(accepted == drafted ? _draftTokens * 2 : accepted + 1, 1, _options.MaxDraftTokens);
        // By tokens: every one of them is a row, and the long drafts are those that fail.
        Acceptance += (1 - MathF.Pow(1 - TokenWeight, drafted)) * (((float)accepted / drafted) - Acceptance);
        if (Acceptance >= _leastAcceptance)
        {
            if (accepted == drafted)
                _pauseTokens = _options.PauseTokens;
            return;
        }

        Pause();
    }

    // After the pause one failure is enough for the next, so that a bad sequence costs next to nothing.
    private void Pause()
    {
        _pausedUntil = _length + _pauseTokens;
        _pauseTokens = Math.Min(_pauseTokens * 2, LongestPauseTokens);
        Acceptance = _leastAcceptance;
        _draftTokens = 1;
        _isTrial = true;
    }
}
