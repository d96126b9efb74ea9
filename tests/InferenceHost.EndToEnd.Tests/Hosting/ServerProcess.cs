using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Grpc.Health.V1;
using Grpc.Net.Client;
using InferenceHost.Protocol.V1;

namespace InferenceHost.EndToEnd.Tests.Hosting;

/// <summary>The built executable, serving on ports the system chose, and a channel to it.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    // Only against hanging: a machine that builds at the same time may need minutes for what takes two seconds on a quiet one.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);
    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly GrpcChannel _channel;

    // Its temporary files: a server that is killed leaves them.
    private readonly DirectoryInfo _temporary;

    private ServerProcess(Process process, DirectoryInfo temporary, string readyLine)
    {
        _process = process;
        _temporary = temporary;
        ReadyLine = readyLine;
        string[] words = readyLine.Split(' ');
        Endpoint = new Uri(words[1]);
        HttpEndpoint = words.FirstOrDefault(word => word.StartsWith("http=", StringComparison.Ordinal)) is { } http ? new Uri(http[5..]) : null;
        _channel = GrpcChannel.ForAddress(Endpoint, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = null,
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
            DisposeHttpClient = true,
        });
        Inference = new Inference.InferenceClient(_channel);
        Models = new Models.ModelsClient(_channel);
        Adapters = new Adapters.AdaptersClient(_channel);
        Operations = new Operations.OperationsClient(_channel);
        Health = new Health.HealthClient(_channel);
    }

    /// <summary>The one line of standard output.</summary>
    public string ReadyLine { get; }

    public Uri Endpoint { get; }

    public Uri? HttpEndpoint { get; }

    public GrpcChannel Channel => _channel;

    public Inference.InferenceClient Inference { get; }

    public Models.ModelsClient Models { get; }

    public Adapters.AdaptersClient Adapters { get; }

    public Operations.OperationsClient Operations { get; }

    public Health.HealthClient Health { get; }

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>What it has written to standard error.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <summary>Starts <c>serve</c> with further options and waits for its line.</summary>
    public static async Task<ServerProcess> StartAsync(params string[] options)
    {
        var start = new ProcessStartInfo(Repository.Executable, ["serve", "--listen", "http://127.0.0.1:0", "--device", "cpu", .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        // A short name: sockets lie in it.
        DirectoryInfo temporary = Directory.CreateTempSubdirectory("ih-");
        start.Environment["TMPDIR"] = temporary.FullName;
        Process process = Process.Start(start)!;
        var early = new StringBuilder();
        ServerProcess? server = null;
        process.ErrorDataReceived += (_, line) =>
        {
            StringBuilder log = server?._log ?? early;
            lock (log)
                log.AppendLine(line.Data);
        };
        process.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(StartLimit);
        try
        {
            string? line = await process.StandardOutput.ReadLineAsync(limit.Token);
            if (line is null)
                await process.WaitForExitAsync(limit.Token);
            Assert.True(line is not null, $"the server did not start: exit code {(process.HasExited ? process.ExitCode : 0)}\n{early}");
            Assert.StartsWith("ready ", line, StringComparison.Ordinal);
            return server = new ServerProcess(process, temporary, line);
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
            temporary.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Runs a command of the executable against this server.</summary>
    public Task<CommandResult> RunAsync(params string[] args) => RunWithInputAsync("", args);

    public Task<CommandResult> RunWithInputAsync(string input, params string[] args) =>
        CommandResult.RunAsync(Repository.Executable, args, input, new Dictionary<string, string> { ["INFERENCEHOST_ENDPOINT"] = Endpoint.ToString() });

    /// <summary>Process id of the engine.</summary>
    public async Task<int> EngineProcessIdAsync() => (await Operations.GetStatsAsync(new GetStatsRequest())).EngineProcessId;

    /// <summary>Asks the server to end, as systemd or a container runtime does.</summary>
    public void Terminate() => Assert.Equal(0, SendSignal(_process.Id, Sigterm));

    /// <summary>Waits until no sequence runs or waits any more.</summary>
    public async Task UntilIdleAsync(CancellationToken cancellationToken)
    {
        while ((await Operations.GetStatsAsync(new GetStatsRequest(), cancellationToken: cancellationToken)).Engine is { } engine && engine.Running + engine.Waiting > 0)
            await Task.Delay(50, cancellationToken);
    }

    /// <summary>Ctrl-C.</summary>
    public static void Interrupt(int processId) => Assert.Equal(0, SendSignal(processId, Sigint));

    /// <summary>SIGKILL to the server alone; its children are left to notice.</summary>
    public void KillAlone() => Kill(_process.Id);

    public async Task WaitForExitAsync() => await _process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);

    public static void Kill(int processId) => Assert.Equal(0, SendSignal(processId, Sigkill));

    /// <summary>Waits until a process has ended; a zombie counts as ended.</summary>
    public static async Task WaitForEndAsync(int processId, TimeSpan limit)
    {
        for (var watch = Stopwatch.StartNew(); IsAlive(processId);)
        {
            Assert.True(watch.Elapsed < limit, $"process {processId} is still there after {limit}");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _temporary.Delete(recursive: true);
    }

    private static bool IsAlive(int processId)
    {
        try
        {
            // Third field: state, behind the name in parentheses.
            string status = File.ReadAllText($"/proc/{processId}/stat");
            return status[(status.LastIndexOf(')') + 2)] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private const int Sigint = 2;
    private const int Sigkill = 9;
    private const int Sigterm = 15;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
