using Grpc.Core;
using InferenceHost.Protocol.V1;

namespace InferenceHost.EndToEnd.Tests.Hosting;

/// <summary>A whole stream in one piece.</summary>
internal sealed record Completion(string Text, IReadOnlyList<int> TokenIds, FinishReason? FinishReason, Usage? Usage);

internal static class Streams
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    public static DateTime Deadline => DateTime.UtcNow + Limit;

    public static async Task<Completion> ReadAsync(this AsyncServerStreamingCall<GenerateResponse> call)
    {
        using (call)
        {
            var text = new System.Text.StringBuilder();
            var ids = new List<int>();
            FinishReason? reason = null;
            Usage? usage = null;
            await foreach (GenerateResponse message in call.ResponseStream.ReadAllAsync())
            {
                text.Append(message.Text);
                ids.AddRange(message.TokenIds);
                if (message.HasFinishReason)
                    (reason, usage) = (message.FinishReason, message.Usage);
            }
            return new Completion(text.ToString(), ids, reason, usage);
        }
    }

    public static Task<Completion> GenerateAsync(this ServerProcess server, GenerateRequest request) =>
        server.Inference.Generate(request, deadline: Deadline).ReadAsync();
}
