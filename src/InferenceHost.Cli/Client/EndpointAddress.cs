namespace InferenceHost.Cli.Client;

/// <summary>The address of a server as a user writes it.</summary>
internal static class EndpointAddress
{
    /// <summary>Accepts <c>http://host:port</c>, <c>https://host:port</c> and bare <c>host:port</c> (cleartext).</summary>
    /// <exception cref="CliException">Anything else.</exception>
    public static Uri Parse(string text)
    {
        string address = text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        if (Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0 && uri.PathAndQuery is "/" or "")
            return uri;
        throw new CliException(ExitCode.Usage, $"--endpoint: '{text}' is no server address.", $"Write it as {Parsing.CommonOptions.DefaultEndpoint}.");
    }
}
