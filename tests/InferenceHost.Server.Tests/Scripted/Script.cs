using Google.Protobuf;
using InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>
/// What scripted engines answer by themselves: loading, tokenising (a token is a character of the text, its id the code), counters, adapters. A submission
/// whose first segment is <c>echo TEXT</c> streams TEXT character by character; others are left to the test.
/// </summary>
internal class Script
{
    public Loaded Loaded { get; } = new()
    {
        Device = "scripted device",
        ContextTokens = 4096,
        TrainedContextTokens = 8192,
        Parallel = 32,
        VocabularySize = 1000,
        AdapterSlots = 8,
        AdapterMode = "per row",
        AddsBos = true,
        Tokenizer = "characters",
        BosText = "<s>",
        EosText = "</s>",
        BosId = 1,
    };

    public int ProtocolVersion { get; init; } = ScriptedEngine.DefaultProtocolVersion;

    public bool Heartbeats { get; init; } = true;

    public long StepAgeMs { get; set; }

    /// <summary>Bytes per send; 0 = whole frames.</summary>
    public int PieceBytes { get; init; }

    public Func<int, bool> DiesBeforeConnecting { get; init; } = _ => false;

    /// <summary>Takes a frame before the script does; true = handled.</summary>
    public Func<ScriptedEngine, ToWorker, bool>? Before { get; set; }

    public List<LoadModel> Loads { get; } = [];

    public bool Handle(ScriptedEngine engine, ToWorker message)
    {
        if (Before?.Invoke(engine, message) == true)
            return true;
        switch (message.BodyCase)
        {
            case ToWorker.BodyOneofCase.LoadModel:
                lock (Loads)
                    Loads.Add(message.LoadModel);
                engine.Send(new FromWorker { LoadProgress = new LoadProgress { Stage = "loading", Fraction = 0.5f } });
                engine.Send(new FromWorker { LoadProgress = new LoadProgress { Stage = "warming up", Fraction = 1 } });
                engine.Send(new FromWorker { CallId = message.CallId, Loaded = Loaded });
                return true;
            case ToWorker.BodyOneofCase.Tokenize:
                var tokens = new Tokens();
                if (message.Tokenize.AddSpecial)
                    tokens.Ids.Add(Loaded.BosId);
                tokens.Ids.Add(message.Tokenize.Segments.SelectMany(s => s.Text).Select(c => c % Loaded.VocabularySize));
                engine.Send(new FromWorker { CallId = message.CallId, Tokens = tokens });
                return true;
            case ToWorker.BodyOneofCase.Detokenize:
                var text = new Protocol.Worker.V1.Text { Utf8 = ByteString.CopyFromUtf8(string.Concat(message.Detokenize.Ids.Select(i => (char)i))) };
                engine.Send(new FromWorker { CallId = message.CallId, Text = text });
                return true;
            case ToWorker.BodyOneofCase.GetCounters:
                engine.Send(new FromWorker { CallId = message.CallId, Counters = new Counters { Steps = 7, TotalCells = 4096 } });
                return true;
            case ToWorker.BodyOneofCase.LoadAdapter:
            case ToWorker.BodyOneofCase.DropAdapter:
                engine.Send(new FromWorker { CallId = message.CallId, Done = new Done() });
                return true;
            case ToWorker.BodyOneofCase.AdapterStates:
                engine.Send(new FromWorker { CallId = message.CallId, AdapterStateList = new AdapterStateList() });
                return true;
            case ToWorker.BodyOneofCase.Submit when message.Submit.Segments is [{ Text: var prompt }, ..] && prompt.StartsWith("echo ", StringComparison.Ordinal):
                Echo(engine, message.Submit, prompt["echo ".Length..]);
                return true;
            default:
                return false;
        }
    }

    private static void Echo(ScriptedEngine engine, Submit submit, string text)
    {
        foreach (var character in text)
            engine.Emit(submit.SequenceId, character.ToString(), character);
        engine.Finish(submit.SequenceId, reason: 1, completionTokens: text.Length, promptTokens: 5);
    }
}
