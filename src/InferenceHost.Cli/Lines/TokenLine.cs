using System.Text.Encodings.Web;
using System.Text.Json;
using Grpc.Core;

namespace InferenceHost.Cli.Lines;

/// <summary>A line of <c>tokenize --lines</c>: a JSON string becomes a JSON array of ids, or the reverse. A line that fails becomes {"error": …}.</summary>
internal static class TokenLine
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ValueTask<string> EncodeAsync(ITextCodec codec, string line, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            string text = Parse<string>(line, "a JSON string");
            return JsonSerializer.Serialize(await codec.EncodeAsync(text, cancellationToken).ConfigureAwait(false));
        });

    public static ValueTask<string> DecodeAsync(ITextCodec codec, string line, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            int[] ids = Parse<int[]>(line, "a JSON array of token ids");
            return JsonSerializer.Serialize(await codec.DecodeAsync(ids, cancellationToken).ConfigureAwait(false), Relaxed);
        });

    private static async ValueTask<string> GuardAsync(Func<Task<string>> answer)
    {
        try
        {
            return await answer().ConfigureAwait(false);
        }
        catch (CliException exception)
        {
            return Error(exception.Message);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.InvalidArgument or StatusCode.OutOfRange)
        {
            return Error(exception.Status.Detail);
        }
    }

    private static T Parse<T>(string line, string expected)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line) ?? throw new CliException(ExitCode.Usage, $"the line is null, not {expected}");
        }
        // The reader answers lone surrogates with the second kind.
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new CliException(ExitCode.Usage, $"the line is not {expected}: {exception.Message}");
        }
    }

    private static string Error(string message) => JsonSerializer.Serialize(new { error = message }, Relaxed);
}
