using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>
/// A server under load. Requests are prepared (bodies built) before the clock runs; while it runs every target does the same work per token:
/// scan the arriving message for the number of token ids, take one time stamp. No text is decoded and no object is kept.
/// </summary>
internal interface IBenchTarget : IAsyncDisposable
{
    /// <summary>What was asked for on the command line.</summary>
    TargetSpec Spec { get; }

    /// <summary>Asks the server who it is and checks that it has the adapters.</summary>
    /// <exception cref="BenchException">It does not answer or lacks an adapter.</exception>
    Task<TargetInfo> ConnectAsync(IReadOnlyList<string> adapters, CancellationToken cancellationToken);

    /// <summary>Token ids of a text, without BOS; <see langword="null"/> where the protocol has no such call.</summary>
    Task<int[]?> TokenizeAsync(string text, CancellationToken cancellationToken);

    /// <summary>Builds everything of the request that can be built beforehand.</summary>
    PreparedRequest Prepare(BenchRequest request);

    /// <summary>Sends the request and records what arrives. Failures of the call end in the trace, never in an exception.</summary>
    Task StreamAsync(PreparedRequest request, RequestTrace trace, CancellationToken cancellationToken);
}
