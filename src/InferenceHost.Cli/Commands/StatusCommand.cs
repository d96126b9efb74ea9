using System.CommandLine;
using Grpc.Core;
using Grpc.Health.V1;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>status</c>: what the server and its engine are doing.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    public static Command Create(CliContext cli)
    {
        var wait = NumberOption.Create<double>("--wait", "SECONDS", "Seconds to wait until the server serves.");
        var command = new CliCommand(
            "status",
            $"Shows state and counters of the server. Exit code {ExitCode.Unavailable} where it does not serve.",
            "status",
            "status --json --endpoint http://10.0.0.5:50051",
            "status --wait 30")
        { wait };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            if (parsed.GetValue(wait) is { } seconds)
                await WaitAsync(server, TimeSpan.FromSeconds(double.Clamp(seconds, 0, 86_400)), cancellationToken).ConfigureAwait(false);
            GetStatsResponse stats = await server.Operations.GetStatsAsync(new GetStatsRequest(), server.Call(cancellationToken)).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(stats);
            else
                StatusView.Write(cli, stats);
            return stats.State == "serving" ? ExitCode.Ok : ExitCode.Unavailable;
        });
        return command;
    }

    // A server that starts answers nothing, then NOT_SERVING, then SERVING: only the first two are worth asking again.
    private static async Task WaitAsync(ServerConnection server, TimeSpan limit, CancellationToken cancellationToken)
    {
        var end = DateTime.UtcNow + limit;
        while (true)
        {
            try
            {
                HealthCheckResponse health = await server.Health.CheckAsync(new HealthCheckRequest(), server.Call(cancellationToken)).ConfigureAwait(false);
                if (health.Status == HealthCheckResponse.Types.ServingStatus.Serving || DateTime.UtcNow >= end)
                    return;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable && DateTime.UtcNow < end)
            {
                // No listener yet.
            }
            await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(false);
        }
    }
}
