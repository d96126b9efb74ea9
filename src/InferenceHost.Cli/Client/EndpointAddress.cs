namespace InferenceHost.Cli.Client;

/// <summary>The address of a server.</summary>
/// <param name="Uri">What HTTP calls it.</param>
/// <param name="UnixPath">Socket file to connect to instead of the host of <paramref name="Uri"/>; null = TCP.</param>
internal sealed record EndpointAddress(Uri Uri, string? UnixPath)
{
    private const string UnixPrefix = "unix:";

    /// <summary>Accepts <c>http://host:port</c>, <c>https://host:port</c>, bare <c>host:port</c> (cleartext) and <c>unix:/path</c>.</summary>
    /// <exception cref="CliException">Anything else.</exception>
    public static EndpointAddress Parse(string text)
    {
        if (text.StartsWith(UnixPrefix, StringComparison.Ordinal) && text[UnixPrefix.Length..].TrimStart('/') is { Length: > 0 } rest)
            return new EndpointAddress(new Uri("http://localhost"), text.StartsWith("unix:/", StringComparison.Ordinal) ? "/" + rest : rest);
        string address = text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        if (Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0 && uri.PathAndQuery is "/" or "")
            return new EndpointAddress(uri, null);
        throw new CliException(ExitCode.Usage, $"--endpoint: '{text}' is no server address.", $"Write it as {Parsing.CommonOptions.DefaultEndpoint} or unix:/path.");
    }

    /// <summary>As the user would write it.</summary>
    public override string ToString() => UnixPath is null ? Uri.GetLeftPart(UriPartial.Authority) : UnixPrefix + UnixPath;
}
