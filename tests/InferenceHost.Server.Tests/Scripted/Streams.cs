using System.Text;
using Grpc.Core;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>Reads response streams whole.</summary>
internal static class Streams
{
    /// <summary>All messages of a stream.</summary>
    public static async Task<List<GenerateResponse>> ReadAllAsync(this AsyncServerStreamingCall<GenerateResponse> call)
    {
        var messages = new List<GenerateResponse>();
        await foreach (var message in call.ResponseStream.ReadAllAsync())
            messages.Add(message);
        return messages;
    }

    /// <summary>The next message; fails where the stream ends.</summary>
    public static async Task<GenerateResponse> NextAsync(this AsyncServerStreamingCall<GenerateResponse> call)
    {
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
        return call.ResponseStream.Current;
    }

    /// <summary>Text of all messages together.</summary>
    public static string Text(this IEnumerable<GenerateResponse> messages) =>
        messages.Aggregate(new StringBuilder(), (text, message) => text.Append(message.Text)).ToString();

    /// <summary>The status a call fails with.</summary>
    public static async Task<RpcException> FailureAsync(this Task call) => await Assert.ThrowsAsync<RpcException>(() => call.WaitAsync(TimeSpan.FromSeconds(20)));
}
