using BenchmarkDotNet.Attributes;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Benchmarks.ChatTemplates;

/// <summary>Compiling and rendering chat templates. The Llama template is that of Llama 3.2, the same text as Llama 3.1's but for its default date.</summary>
[MemoryDiagnoser]
public class ChatTemplateBenchmarks
{
    private const string Llama = "meta-llama-Llama-3.2-3B-Instruct.jinja";

    private string _llamaSource = "";
    private string _longestSource = "";
    private ChatTemplate _llama = null!;
    private ChatTemplate _longest = null!;
    private TemplateValues _three = null!;
    private TemplateValues _tools = null!;

    [GlobalSetup]
    public void Setup()
    {
        _llamaSource = BenchmarkTemplates.Source(Llama);
        _longestSource = BenchmarkTemplates.Source(BenchmarkTemplates.Longest);
        _llama = ChatTemplate.Parse(_llamaSource);
        _longest = ChatTemplate.Parse(_longestSource);
        _three = BenchmarkTemplates.ThreeMessages();
        _tools = BenchmarkTemplates.Values("tool_result");
    }

    [Benchmark]
    public ChatTemplate CompileLlama() => ChatTemplate.Parse(_llamaSource);

    [Benchmark]
    public ChatTemplate CompileLongest() => ChatTemplate.Parse(_longestSource);

    [Benchmark]
    public int RenderLlamaThreeMessages() => _llama.Render(_three, BenchmarkTemplates.Now).Text.Length;

    [Benchmark]
    public int RenderLongestWithToolsAndToolResult() => _longest.Render(_tools, BenchmarkTemplates.Now).Text.Length;
}
