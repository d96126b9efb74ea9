using System.Text;
using System.Text.Json;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Streaming;
using InferenceHost.Engines.Gguf;

namespace InferenceHost.Worker;

/// <summary>Tokenises lines with the vocabulary of a GGUF file, without its weights: JSON strings to JSON arrays of ids and back.</summary>
internal static class VocabularyLines
{
    public static int Tokenize(string path) => Run(path, (vocabulary, line) =>
    {
        var text = JsonSerializer.Deserialize<string>(line) ?? throw new JsonException("a JSON string is needed");
        var result = vocabulary.Tokenizer.Tokenize(text, addBos: false, parseSpecial: false);
        return result.Status == Engines.Gguf.Tokenization.TokenizeStatus.Completed
            ? "[" + string.Join(',', result.Tokens) + "]"
            : throw new JsonException($"the text cannot be tokenised: {result.Status}");
    });

    public static int Detokenize(string path) => Run(path, (vocabulary, line) =>
    {
        var text = new StringBuilder();
        var assembler = new Utf8Assembler();
        foreach (var id in JsonSerializer.Deserialize<int[]>(line) ?? [])
        {
            if ((uint)id >= (uint)vocabulary.Vocabulary.Size) throw new JsonException($"token {id} is not in the vocabulary of {vocabulary.Vocabulary.Size}");
            var piece = vocabulary.Vocabulary.Piece(id);
            var buffer = new byte[Utf8Assembler.MaxOutputBytes(piece.Length)];
            text.Append(Encoding.UTF8.GetString(buffer, 0, assembler.Append(piece, buffer)));
        }
        Span<byte> rest = stackalloc byte[4];
        text.Append(Encoding.UTF8.GetString(rest[..assembler.Flush(rest)]));
        return JsonSerializer.Serialize(text.ToString(), Relaxed);
    });

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static int Run(string path, Func<GgufVocabularyFile, string, string> convert)
    {
        try
        {
            using var vocabulary = GgufVocabularyFile.Open(path);
            using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
            using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false, true));
            for (var number = 1; input.ReadLine() is { } line; number++)
            {
                try
                {
                    output.WriteLine(convert(vocabulary, line));
                }
                catch (JsonException e)
                {
                    Console.Error.WriteLine($"line {number}: {e.Message}");
                    return 1;
                }
            }
            return 0;
        }
        catch (Exception e) when (e is EngineException or IOException or DecoderFallbackException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
