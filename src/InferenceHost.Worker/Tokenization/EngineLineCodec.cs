using System.Text;
using System.Text.Json;
using InferenceHost.Core.Streaming;
using InferenceHost.Engines.Gguf;
using InferenceHost.Engines.Gguf.Tokenization;

namespace InferenceHost.Worker.Tokenization;

/// <summary>Lines through libllama's tokenizer.</summary>
internal sealed class EngineLineCodec(GgufVocabularyFile file) : ILineCodec
{
    public int[] Encode(string text)
    {
        var result = file.Tokenizer.Tokenize(text, addBos: false, parseSpecial: false);
        return result.Status switch
        {
            TokenizeStatus.Completed => result.Tokens,
            TokenizeStatus.InvalidText => throw new JsonException($"position {result.InvalidIndex}: a lone surrogate"),
            _ => throw new JsonException($"the text cannot be tokenised: {result.Status}"),
        };
    }

    public string Decode(int[] ids)
    {
        var vocabulary = file.Vocabulary;
        var text = new StringBuilder();
        var assembler = new Utf8Assembler();
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)vocabulary.Size) throw new JsonException($"token {id} is not in the vocabulary of {vocabulary.Size}");
            var piece = vocabulary.Piece(id);
            var buffer = new byte[Utf8Assembler.MaxOutputBytes(piece.Length)];
            text.Append(Encoding.UTF8.GetString(buffer, 0, assembler.Append(piece, buffer)));
        }
        Span<byte> rest = stackalloc byte[4];
        return text.Append(Encoding.UTF8.GetString(rest[..assembler.Flush(rest)])).ToString();
    }

    public void Dispose() => file.Dispose();
}
