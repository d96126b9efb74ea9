using System.Collections.Concurrent;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Streaming;
using InferenceHost.Engines.Gguf;
using InferenceHost.Engines.Gguf.Tokenization;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Worker.Tokenization;
using Segment = InferenceHost.Engines.Gguf.Tokenization.TextSegment;
using WireSegment = InferenceHost.Protocol.Worker.V1.TextSegment;

namespace InferenceHost.Worker;

/// <summary>
/// Turns submissions into requests of the loop: tokenises off the engine thread (short texts on the reading thread, long ones on the thread pool) and lets
/// a cancel overtake a text that is still being tokenised.
/// </summary>
internal sealed class Submissions(EngineLoop loop, GgufEngine engine, IPromptTokenizer tokenizer, ServerLink link)
{
    private const int InlineChars = 4096;

    private readonly ConcurrentDictionary<ulong, bool> _cancelled = new();

    public string TokenizerName => tokenizer.Name;

    public void Submit(Submit submit)
    {
        if (submit.Segments.Count == 0)
        {
            Enter(submit, [.. submit.TokenIds]);
            return;
        }
        if (submit.Segments.Sum(s => (long)s.Text.Length) <= InlineChars)
        {
            TokenizeAndEnter(submit);
            return;
        }
        _cancelled[submit.SequenceId] = false;
        ThreadPool.QueueUserWorkItem(_ => TokenizeAndEnter(submit));
    }

    public void Cancel(ulong id)
    {
        if (_cancelled.ContainsKey(id)) _cancelled[id] = true;
        loop.Cancel(new SequenceId(id));
    }

    public void Tokenize(ulong call, Tokenize tokenize) => ThreadPool.QueueUserWorkItem(_ =>
    {
        var result = Run(tokenize.Segments, tokenize.AddSpecial, int.MaxValue);
        link.Answer(call, ToRefusal(result, "text") is { } refusal
            ? new FromWorker { Failure = Failures.From(refusal) }
            : new FromWorker { Tokens = new Tokens { Ids = { result.Tokens } } });
    });

    public void Detokenize(ulong call, Detokenize detokenize)
    {
        var vocabulary = engine.Vocabulary;
        var bytes = new List<byte>(detokenize.Ids.Count * 4);
        var assembler = new Utf8Assembler();
        var buffer = new byte[4096];
        foreach (var id in detokenize.Ids)
        {
            if ((uint)id >= (uint)vocabulary.Size)
            {
                link.Answer(call, new FromWorker
                {
                    Failure = Failures.From(new Refusal(RefusalKind.InvalidArgument, "TOKEN_OUT_OF_RANGE",
                        $"token_ids contains {id}; the vocabulary has ids 0 to {vocabulary.Size - 1}", "token_ids", id, vocabulary.Size - 1)),
                });
                return;
            }
            var piece = vocabulary.Piece(id);
            var needed = Utf8Assembler.MaxOutputBytes(piece.Length);
            if (needed > buffer.Length) buffer = new byte[needed];
            bytes.AddRange(buffer.AsSpan(0, assembler.Append(piece, buffer)));
        }
        bytes.AddRange(buffer.AsSpan(0, assembler.Flush(buffer)));
        link.Answer(call, new FromWorker { Text = new Protocol.Worker.V1.Text { Utf8 = Google.Protobuf.ByteString.CopyFrom([.. bytes]) } });
    }

    private void TokenizeAndEnter(Submit submit)
    {
        var result = Run(submit.Segments, submit.AddBos, loop.Limits.MaxSequenceTokens - 1);
        if (ToRefusal(result, "prompt") is { } refusal) Refuse(submit, refusal);
        else Enter(submit, result.Tokens);
    }

    private TokenizeResult Run(IEnumerable<WireSegment> segments, bool addBos, int limit)
    {
        Segment[] parts = [.. segments.Select(s => new Segment(s.Text, s.ParseSpecial))];
        return tokenizer.Tokenize(parts, addBos, limit);
    }

    private Refusal? ToRefusal(TokenizeResult result, string field) => result.Status switch
    {
        TokenizeStatus.Completed => null,
        TokenizeStatus.TooLong => new Refusal(RefusalKind.InvalidArgument, "PROMPT_TOO_LONG",
            $"the prompt has at least {result.AtLeastTokens} tokens, the context holds {loop.Limits.MaxSequenceTokens} with at least 1 to generate; shorten the prompt or serve with a larger --context",
            field, result.AtLeastTokens, loop.Limits.MaxSequenceTokens - 1),
        TokenizeStatus.InvalidText => new Refusal(RefusalKind.InvalidArgument, "TEXT_INVALID",
            $"part {result.InvalidSegment} has a lone surrogate at position {result.InvalidIndex}; text must be valid Unicode", field, result.InvalidIndex),
        _ => new Refusal(RefusalKind.InvalidArgument, "TEXT_NOT_REPRESENTABLE", "the model's tokenizer cannot represent the text", field),
    };

    private void Enter(Submit submit, int[] prompt)
    {
        var request = ToRequest(submit, prompt, out var refusal);
        if (request is null)
        {
            Refuse(submit, refusal!);
            return;
        }
        loop.Submit(request);
        // Cancelled while its text was tokenised: the cancel went past, so it is sent again behind the request.
        if (_cancelled.TryRemove(submit.SequenceId, out var cancelled) && cancelled) loop.Cancel(request.Id);
    }

    private void Refuse(Submit submit, Refusal refusal)
    {
        _cancelled.TryRemove(submit.SequenceId, out _);
        loop.Refuse(new SequenceId(submit.SequenceId), refusal);
    }

    private static SequenceRequest? ToRequest(Submit submit, int[] prompt, out Refusal? refusal)
    {
        refusal = null;
        if (!StopStrings.TryCreate(submit.Stop, out var stops, out var error))
        {
            refusal = new Refusal(RefusalKind.InvalidArgument, "STOP_INVALID", error.ToString(), error.Field);
            return null;
        }
        return new SequenceRequest
        {
            Id = new SequenceId(submit.SequenceId),
            Tenant = submit.Tenant,
            Prompt = prompt,
            MaxNewTokens = submit.HasMaxTokens ? submit.MaxTokens : null,
            Sampling = ToParameters(submit.Sampling ?? new Sampling()),
            Stop = stops,
            StopTokens = [.. submit.StopTokenIds],
            IgnoreEndOfGeneration = submit.IgnoreEos,
            Adapter = submit.Adapter.Length == 0 ? null : new AdapterBinding(submit.Adapter, submit.AdapterScale),
            Priority = submit.Priority == 1 ? Priority.Batch : Priority.Interactive,
            Samples = Math.Max(1, submit.N),
            Deadline = submit.DeadlineMs > 0 ? TimeSpan.FromMilliseconds(submit.DeadlineMs) : null,
        };
    }

    private static SamplingParameters ToParameters(Sampling sampling) => new()
    {
        Temperature = sampling.Temperature,
        TopK = sampling.TopK,
        TopP = sampling.TopP,
        MinP = sampling.MinP,
        Seed = sampling.Seed,
        Logprobs = sampling.LogprobsPlusOne > 0 ? sampling.LogprobsPlusOne - 1 : null,
        TypicalP = sampling.TypicalP,
        RepetitionPenalty = sampling.RepetitionPenalty,
        FrequencyPenalty = sampling.FrequencyPenalty,
        PresencePenalty = sampling.PresencePenalty,
        LogitBias = sampling.LogitBias.ToDictionary(e => e.Key, e => e.Value),
    };
}
