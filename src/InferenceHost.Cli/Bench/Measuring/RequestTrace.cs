using System.Diagnostics;

namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>
/// What happened to one request: a time stamp per arriving message and how many tokens it brought. Written by the one flow that reads the stream,
/// evaluated after the round. Times are <see cref="Stopwatch"/> ticks.
/// </summary>
internal sealed class RequestTrace(int expectedMessages)
{
    /// <summary>Failure text of a request that was ended by us.</summary>
    public const string CancelledMessage = "cancelled";

    private long[] _times = new long[expectedMessages + 4];
    private int[] _tokens = new int[expectedMessages + 4];
    private int _watchTokens = int.MaxValue;
    private TaskCompletionSource? _watch;

    /// <summary>When the latency clock starts: the send, in an open loop the scheduled arrival.</summary>
    public long StartedAt { get; set; }

    /// <summary>Messages that brought tokens.</summary>
    public int Messages { get; private set; }

    /// <summary>Tokens in these messages.</summary>
    public int StreamedTokens { get; private set; }

    /// <summary>Tokens as the server counts them at the end; <see langword="null"/> where it did not say.</summary>
    public int? ReportedTokens { get; private set; }

    /// <summary>Tokens of the prompt, as the server counts them.</summary>
    public int? PromptTokens { get; private set; }

    /// <summary>Prompt tokens taken from a cache.</summary>
    public int? CachedTokens { get; private set; }

    /// <summary>Whether the stream ended as it should.</summary>
    public bool Completed { get; private set; }

    /// <summary>Why it did not; <see langword="null"/> while there is no failure.</summary>
    public string? Failure { get; private set; }

    /// <summary>Tokens that count: the server's number where it gave one. Tokens that end in the middle of a character arrive without a message of their own.</summary>
    public int Tokens => ReportedTokens ?? StreamedTokens;

    /// <summary>Times of the messages that brought tokens.</summary>
    public ReadOnlySpan<long> Times => _times.AsSpan(0, Messages);

    /// <summary>Tokens of each of these messages.</summary>
    public ReadOnlySpan<int> TokenCounts => _tokens.AsSpan(0, Messages);

    /// <summary>Starts the latency clock.</summary>
    public void Start() => StartedAt = Stopwatch.GetTimestamp();

    /// <summary>Records a message; one without tokens is nothing to the person who waits, and is ignored.</summary>
    public void OnTokens(int count)
    {
        if (count > 0) OnTokens(count, Stopwatch.GetTimestamp());
    }

    /// <summary>Records a message that came at a given time.</summary>
    public void OnTokens(int count, long at)
    {
        if (Messages == _times.Length)
        {
            Array.Resize(ref _times, _times.Length * 2);
            Array.Resize(ref _tokens, _tokens.Length * 2);
        }
        _times[Messages] = at;
        _tokens[Messages++] = count;
        StreamedTokens += count;
        if (StreamedTokens >= _watchTokens) _watch!.TrySetResult();
    }

    /// <summary>Records the end of the stream and what the server says about it.</summary>
    public void Complete(int? tokens, int? promptTokens, int? cachedTokens)
    {
        Completed = true;
        ReportedTokens = tokens;
        PromptTokens = promptTokens;
        CachedTokens = cachedTokens;
    }

    /// <summary>Records an end about which the server said nothing.</summary>
    public void CompleteUnlessComplete() => Completed = true;

    /// <summary>Records a failure, unless the stream had already ended well.</summary>
    public void Fail(string message)
    {
        if (!Completed) Failure ??= message;
        _watch?.TrySetResult();
    }

    /// <summary>Says that the cancellation was ours because the request took too long.</summary>
    public void TimedOut(TimeSpan limit) => Failure = $"no end within {limit.TotalSeconds:0.#} s";

    /// <summary>Records a failure where no end was seen.</summary>
    public void FailUnlessComplete(string message)
    {
        if (!Completed) Fail(message);
    }

    /// <summary>A task that ends when this many tokens have arrived or the request has failed. To be called before the request is sent, once.</summary>
    public Task WhenTokens(int count)
    {
        _watch = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _watchTokens = count;
        return _watch.Task;
    }
}
