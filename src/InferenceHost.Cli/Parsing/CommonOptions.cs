using System.CommandLine;
using InferenceHost.Cli.Client;

namespace InferenceHost.Cli.Parsing;

/// <summary>Options of every command that talks to a server. One instance per command.</summary>
internal sealed class CommonOptions
{
    public const string JsonName = "--json";
    public const string EndpointVariable = "INFERENCEHOST_ENDPOINT";
    public const string DefaultEndpoint = "http://127.0.0.1:50051";

    private readonly Option<string?> _endpoint = new("--endpoint", "-e")
    {
        Description = $"Server to talk to; default {DefaultEndpoint}, or the environment variable {EndpointVariable}.",
        HelpName = "URL",
    };

    private readonly Option<double?> _timeout = NumberOption.Create<double>("--timeout", "SECONDS", "Seconds a call may take; unlimited by default.");

    private CommonOptions()
    {
        _timeout.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double?>() is { } seconds && seconds is not (> 0 and <= 1_000_000))
                result.AddError($"--timeout: {seconds} is not in the range 0 < SECONDS <= 1000000.");
        });
    }

    public Option<bool> Json { get; } = CreateJson();

    public static Option<bool> CreateJson() => new(JsonName) { Description = "Write JSON (proto3 mapping, names as in the .proto files) for scripts." };

    /// <summary>Adds the options to <paramref name="command"/>, behind its own.</summary>
    public static CommonOptions AddTo(Command command)
    {
        var options = new CommonOptions();
        command.Add(options._endpoint);
        command.Add(options._timeout);
        command.Add(options.Json);
        return options;
    }

    /// <summary>A connection as the options say. Nothing is sent yet.</summary>
    /// <exception cref="CliException">The endpoint is no URL.</exception>
    public ServerConnection Connect(ParseResult parsed, CliContext cli)
    {
        string endpoint = parsed.GetValue(_endpoint) ?? NonEmpty(cli.Environment(EndpointVariable)) ?? DefaultEndpoint;
        TimeSpan? timeout = parsed.GetValue(_timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        return new ServerConnection(EndpointAddress.Parse(endpoint), timeout);
    }

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;
}
