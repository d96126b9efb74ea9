using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Conversation;

/// <summary>A conversation and what it has cost so far.</summary>
internal sealed class ChatState
{
    private readonly List<ChatMessage> _messages = [];

    /// <param name="start">Messages to begin with; leading system messages are the system message.</param>
    public ChatState(IEnumerable<ChatMessage> start)
    {
        foreach (ChatMessage message in start)
        {
            if (message.Role == "system" && _messages.Count == 0)
                System = message.Content;
            else
                _messages.Add(message);
        }
    }

    /// <summary>Null = the template's own, if it has one.</summary>
    public string? System { get; set; }

    /// <summary>Null = the base model.</summary>
    public string? Adapter { get; set; }

    public int Turns { get; private set; }

    public long PromptTokens { get; private set; }

    public long CachedPromptTokens { get; private set; }

    public long CompletionTokens { get; private set; }

    public double DecodeMs { get; private set; }

    /// <summary>What is sent for the next answer.</summary>
    public IEnumerable<ChatMessage> Messages =>
        System is null ? _messages : _messages.Prepend(new ChatMessage { Role = "system", Content = System });

    /// <summary>Messages without the system message.</summary>
    public int Count => _messages.Count;

    public void AddUser(string text) => _messages.Add(new ChatMessage { Role = "user", Content = text });

    /// <summary>Takes the last message back: its answer never came, so it can be asked again.</summary>
    public void RemoveLast() => _messages.RemoveAt(_messages.Count - 1);

    /// <summary>Adds an answer, also one that was cut off.</summary>
    public void AddAssistant(string text, Usage? usage)
    {
        _messages.Add(new ChatMessage { Role = "assistant", Content = text });
        Turns++;
        if (usage is null)
            return;
        PromptTokens += usage.PromptTokens;
        CachedPromptTokens += usage.CachedPromptTokens;
        CompletionTokens += usage.CompletionTokens;
        DecodeMs += usage.DecodeMs;
    }

    /// <summary>Forgets all messages; system message and adapter stay.</summary>
    public void Reset() => _messages.Clear();
}
