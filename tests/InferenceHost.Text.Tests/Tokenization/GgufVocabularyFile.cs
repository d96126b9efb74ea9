using System.Text;
using InferenceHost.Text.Tokenization;

namespace InferenceHost.Text.Tests.Tokenization;

/// <summary>Just enough of GGUF to take a vocabulary out of a trusted test file.</summary>
internal static class GgufVocabularyFile
{
    public static (string Model, TokenVocabulary Vocabulary) Read(string path)
    {
        using var reader = new BinaryReader(File.OpenRead(path));
        Assert.Equal(0x46554747u, reader.ReadUInt32());
        Assert.Equal(3u, reader.ReadUInt32());
        reader.ReadUInt64();
        var values = new Dictionary<string, object>();
        for (var count = reader.ReadUInt64(); count > 0; count--)
            values.Add(Encoding.UTF8.GetString(Bytes(reader)), Value(reader, reader.ReadUInt32()));

        int? Id(string name) => values.TryGetValue($"tokenizer.ggml.{name}_token_id", out var id) ? (int)(uint)id : null;
        bool Flag(string name, bool absent) => values.TryGetValue($"tokenizer.ggml.{name}", out var flag) ? (bool)flag : absent;
        var settings = new VocabularySettings
        {
            BosId = Id("bos"),
            EosId = Id("eos"),
            UnknownId = Id("unknown"),
            AddBos = Flag("add_bos_token", true),
            AddEos = Flag("add_eos_token", false),
            SpacePrefix = Flag("add_space_prefix", true) ? SpacePrefix.EveryText : SpacePrefix.Never,
            RemoveExtraSpaces = Flag("remove_extra_whitespaces", false),
        };
        var tokens = Array.ConvertAll((object[])values["tokenizer.ggml.tokens"], token => (ReadOnlyMemory<byte>)(byte[])token);
        var scores = Array.ConvertAll((object[])values["tokenizer.ggml.scores"], score => (float)score);
        var types = Array.ConvertAll((object[])values["tokenizer.ggml.token_type"], type => (TokenType)(int)type);
        Assert.True(TokenVocabulary.TryCreate(tokens, scores, types, settings, out var vocabulary, out var error), error.ToString());
        return (Encoding.UTF8.GetString((byte[])values["tokenizer.ggml.model"]), vocabulary);
    }

    private static byte[] Bytes(BinaryReader reader) => reader.ReadBytes(checked((int)reader.ReadUInt64()));

    private static object Value(BinaryReader reader, uint type)
    {
        switch (type)
        {
            case 4:
                return reader.ReadUInt32();
            case 5:
                return reader.ReadInt32();
            case 6:
                return reader.ReadSingle();
            case 7:
                return reader.ReadBoolean();
            case 8:
                return Bytes(reader);
            case 9:
                var element = reader.ReadUInt32();
                var values = new object[reader.ReadUInt64()];
                for (var index = 0; index < values.Length; index++)
                    values[index] = Value(reader, element);
                return values;
            default:
                throw new NotSupportedException($"value type {type}");
        }
    }
}
