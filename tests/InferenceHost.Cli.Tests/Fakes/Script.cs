using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Fakes;

/// <summary>What a <see cref="FakeServer"/> answers, and what it was asked.</summary>
internal sealed class Script
{
    /// <summary>Requests in the order they came.</summary>
    public ConcurrentQueue<IMessage> Requests { get; } = new();

    /// <summary>Thrown by every call, if set.</summary>
    public RpcException? Failure { get; set; }

    /// <summary>Thrown by an upload that was read whole, if set.</summary>
    public RpcException? UploadFailure { get; init; }

    /// <summary>Stream of Generate and Chat.</summary>
    public List<GenerateResponse> Messages { get; init; } =
    [
        new() { Text = "Hello", TokenIds = { 1, 2 } },
        new()
        {
            Text = " world",
            TokenIds = { 3 },
            FinishReason = FinishReason.Stop,
            Usage = new Usage { PromptTokens = 4, CompletionTokens = 3, PrefillMs = 10, DecodeMs = 20 },
        },
    ];

    /// <summary>Streams stay open behind their messages until the call is cancelled.</summary>
    public bool NeverEnds { get; init; }

    /// <summary>Completed when a call was cancelled by its client.</summary>
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed when the messages of a stream are out.</summary>
    public TaskCompletionSource Streamed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public List<AdapterInfo> Adapters { get; } = [];

    public string State { get; set; } = "serving";

    /// <summary>Bytes of the last upload.</summary>
    public byte[] Uploaded { get; set; } = [];

    public T Last<T>() where T : IMessage => Requests.OfType<T>().Last();

    public void Note(IMessage request)
    {
        Requests.Enqueue(request);
        if (Failure is not null)
            throw Failure;
    }
}
