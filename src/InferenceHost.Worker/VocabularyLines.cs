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

    private static int Run(string path, Func<ILineCodec, string, string> convert)
    {
        try
        {
            using var codec = Open(path);
            using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
            using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false, true));
            for (var number = 1; input.ReadLine() is { } line; number++)
            {
                try
                {
                    output.WriteLine(convert(codec, line));
                }
                catch (JsonException e)
                {
                    Console.Error.WriteLine($"line {number}: {e.Message}");
                    return 1;
                }
            }
            return 0;
        }
        catch (Exception e) when (e is EngineException or ModelFileException or IOException or DecoderFallbackException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
