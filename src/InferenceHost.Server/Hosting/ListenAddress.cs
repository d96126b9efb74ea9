using System.Net;
using System.Net.Sockets;

namespace InferenceHost.Server.Hosting;

/// <summary>Where to listen: an address and port, or a Unix socket.</summary>
/// <param name="Address">Address; null for a Unix socket.</param>
/// <param name="Port">Port, 0 = any free one.</param>
/// <param name="UnixPath">Path of a Unix socket; null otherwise.</param>
internal sealed record ListenAddress(IPAddress? Address, int Port, string? UnixPath)
{
    private const string Allowed = "allowed http://HOST:PORT with an IP address, 'localhost' or '*' as HOST and 0 .. 65535 as PORT, or unix:/absolute/path";

    /// <summary>Reads <c>http://HOST:PORT</c> or <c>unix:/path</c>.</summary>
    public static bool TryParse(string text, out ListenAddress address, out string error)
    {
        address = new ListenAddress(IPAddress.Loopback, 0, null);
        error = Allowed;
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            var path = text["unix:".Length..];
            address = new ListenAddress(null, 0, path);
            return Path.IsPathRooted(path) && System.Text.Encoding.UTF8.GetByteCount(path) <= 107;
        }
        // '*' is no host of a URI.
        var any = text.StartsWith("http://*:", StringComparison.Ordinal);
        if (!Uri.TryCreate(any ? "http://0.0.0.0:" + text["http://*:".Length..] : text, UriKind.Absolute, out var uri))
            return false;
        if (uri.Scheme == Uri.UriSchemeHttps)
        {
            error = "TLS is not served here; put a proxy in front or use http://";
            return false;
        }
        if (uri.Scheme != Uri.UriSchemeHttp || uri.PathAndQuery != "/" || uri.UserInfo.Length > 0)
            return false;
        if (any)
            address = new ListenAddress(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, uri.Port, null);
        else if (uri.Host == "localhost")
            address = new ListenAddress(IPAddress.Loopback, uri.Port, null);
        else if (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var ip))
            address = new ListenAddress(ip, uri.Port, null);
        else
            return false;
        return true;
    }

    /// <summary>The URL of the listener once its port is known.</summary>
    public string Url(int port)
    {
        if (UnixPath is not null)
            return "unix:" + UnixPath;
        var host = Address!.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{Address}]" : Address.ToString();
        return $"http://{host}:{port}";
    }
}
