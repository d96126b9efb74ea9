using System.Text;
using System.Text.Json;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf;
using InferenceHost.ModelFiles;
using InferenceHost.Worker.Tokenization;

namespace InferenceHost.Worker;

/// <summary>Tokenises lines with the vocabulary of a GGUF file, without its weights: JSON strings to JSON arrays of ids and back.</summary>
internal static class VocabularyLines
{
    public static int Tokenize(string path) => Run(path, (codec, line) =>
    {
        var text = JsonSerializer.Deserialize<string>(line) ?? throw new JsonException("a JSON string is needed");
        return "[" + string.Join(',', codec.Encode(text)) + "]";
    });

    public static int Detokenize(string path) => Run(path, (codec, line) =>
        JsonSerializer.Serialize(codec.Decode(JsonSerializer.Deserialize<int[]>(line) ?? []), Relaxed));

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static ILineCodec Open(string path) =>
        UnigramPromptTokenizer.TryOpen(path) is { } unigram ? new UnigramLineCodec(unigram.Tokenizer) : new EngineLineCodec(GgufVocabularyFile.Open(path));

    // A line that cannot be converted is answered like the others: whoever sends lines gets one answer each.
    private static string Answer(ILineCodec codec, Func<ILineCodec, string, string> convert, string line)
    {
        try
        {
            return convert(codec, line);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return JsonSerializer.Serialize(new { error = e.Message }, Relaxed);
        }
    }

    private static int Run(string path, Func<ILineCodec, string, string> convert)
    {
        try
        {
            using var codec = Open(path);
            using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
            using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false, true));
            while (input.ReadLine() is { } line)
                output.WriteLine(Answer(codec, convert, line));
            return 0;
        }
        catch (Exception e) when (e is EngineException or ModelFileException or IOException or DecoderFallbackException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
