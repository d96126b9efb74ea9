namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Whether copying a state is cheaper than computing its tokens again, from measured rates. Both directions are measured apart: a GPU's differ.
/// </summary>
internal sealed class SwapCost
{
    /// <summary>Until it is measured: 1 GiB/s, slower than pageable copies over PCIe and than any copy within host memory.</summary>
    private const double AssumedSecondsPerByte = 1.0 / (1L << 30);

    private const double Smoothing = 0.2;
    private const double Forgetting = 0.02;

    private double _out = AssumedSecondsPerByte;
    private double _in = AssumedSecondsPerByte;

    /// <summary>Whether saving and restoring <paramref name="bytes"/> takes less time than computing <paramref name="tokens"/>; false while the latter is not known (0).</summary>
    public bool PaysBothWays(long bytes, int tokens, double tokenSeconds) => Compare(bytes * (_out + _in), tokens * tokenSeconds);

    /// <summary>Whether restoring <paramref name="bytes"/>, saved already, takes less time than computing <paramref name="tokens"/>.</summary>
    public bool PaysBack(long bytes, int tokens, double tokenSeconds) => Compare(bytes * _in, tokens * tokenSeconds);

    public void ObserveSave(long bytes, double seconds) => _out += Smoothing * ((seconds / bytes) - _out);

    public void ObserveRestore(long bytes, double seconds) => _in += Smoothing * ((seconds / bytes) - _in);

    /// <summary>Lets an unlucky measurement fade: what looks too dear is not copied, and so would never be measured again.</summary>
    private bool Compare(double copySeconds, double computeSeconds)
    {
        if (copySeconds < computeSeconds) return true;
        _out += Forgetting * (AssumedSecondsPerByte - _out);
        _in += Forgetting * (AssumedSecondsPerByte - _in);
        return false;
    }
}
