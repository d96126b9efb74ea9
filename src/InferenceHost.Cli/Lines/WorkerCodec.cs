using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace InferenceHost.Cli.Lines;

/// <summary>
/// The tokenizer of libllama, in the engine's executable: native code may abort on bad input, so it never runs in this process.
/// One line of JSON goes in and one comes back, in the format of <see cref="TokenLine"/>.
/// </summary>
internal sealed class WorkerCodec : ITextCodec
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly string _path;
    private readonly string _executable;
    private Process? _tokenizer;
    private Process? _detokenizer;

    /// <param name="path">GGUF file with the vocabulary.</param>
    /// <param name="executable">The engine's executable.</param>
    public WorkerCodec(string path, string executable)
    {
        _path = path;
        _executable = executable;
    }

    /// <summary>The engine's executable beside this one.</summary>
    public static string FindExecutable() => Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "inferencehost-worker.exe" : "inferencehost-worker");

    public async ValueTask<IReadOnlyList<int>> EncodeAsync(string text, CancellationToken cancellationToken)
    {
        _tokenizer = Ensure(_tokenizer, "tokenize");
        return Read<int[]>(await AskAsync(_tokenizer, JsonSerializer.Serialize(text, Relaxed), cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask<string> DecodeAsync(IReadOnlyList<int> ids, CancellationToken cancellationToken)
    {
        _detokenizer = Ensure(_detokenizer, "detokenize");
        return Read<string>(await AskAsync(_detokenizer, JsonSerializer.Serialize(ids), cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(_tokenizer).ConfigureAwait(false);
        await StopAsync(_detokenizer).ConfigureAwait(false);
    }

    private Process Ensure(Process? process, string mode)
    {
        if (process is { HasExited: false })
            return process;
        process?.Dispose();
        if (!File.Exists(_executable))
            throw new CliException(ExitCode.Failure, $"the engine's executable {_executable} is missing.", "Build the whole solution, or publish the two together.");
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var start = new ProcessStartInfo(_executable, [mode, "--vocab", _path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
        };
        return Process.Start(start) ?? throw new CliException(ExitCode.Failure, $"{_executable} did not start.");
    }

    private async Task<string> AskAsync(Process process, string line, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken).ConfigureAwait(false);
            await process.StandardInput.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The process has ended: what it said on its way is read below.
        }
        if (await process.StandardOutput.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } answer)
            return answer;
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        throw new CliException(ExitCode.Failure, $"the tokenizer of {_path} ended with exit code {process.ExitCode}");
    }

    private static T Read<T>(string answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        if (document.RootElement is { ValueKind: JsonValueKind.Object } error && error.TryGetProperty("error", out JsonElement message))
            throw new CliException(ExitCode.Failure, message.GetString() ?? "the tokenizer failed");
        return document.RootElement.Deserialize<T>() ?? throw new CliException(ExitCode.Failure, "the tokenizer gave no answer");
    }

    private static async Task StopAsync(Process? process)
    {
        if (process is null)
            return;
        // End of input ends the process; whoever does not listen is killed.
        try
        {
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already, with our last line unread.
        }
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
        process.Dispose();
    }
}
