using System.Collections.Frozen;
using System.Text;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>The little that templates can want of bytes.</summary>
internal static class BytesMethods
{
    public static readonly FrozenDictionary<string, Builtin> All = new Table()
        .Add("decode", "self encoding= errors=", (_, a) => Decode((BytesValue)a[0]!, Args.Text(a[1], "encoding").Text))
        .Add("hex", "/self", (_, a) => StringValue.Of(Convert.ToHexStringLower(((BytesValue)a[0]!).Bytes), a[0]!.Origin))
        .Freeze();

    public static BytesValue Encode(StringValue text, string encoding, Budget budget)
    {
        budget.Text(text.Text.Length * 2L);
        try
        {
            return new BytesValue(Codec(encoding).GetBytes(text.Text), text.Origin);
        }
        catch (EncoderFallbackException e)
        {
            throw new TemplateRenderException($"'{encoding}' codec can't encode the text: {e.Message}", inner: e);
        }
    }

    private static StringValue Decode(BytesValue bytes, string encoding)
    {
        try
        {
            return StringValue.Of(Codec(encoding).GetString(bytes.Bytes), bytes.Origin);
        }
        catch (DecoderFallbackException e)
        {
            throw new TemplateRenderException($"'{encoding}' codec can't decode the bytes: {e.Message}", inner: e);
        }
    }

    private static Encoding Codec(string name) => name.ToLowerInvariant().Replace('_', '-') switch
    {
        "" or "utf-8" or "utf8" => new UTF8Encoding(false, throwOnInvalidBytes: true),
        "ascii" or "us-ascii" => Encoding.GetEncoding("us-ascii", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback),
        "latin-1" or "latin1" or "iso-8859-1" => Encoding.GetEncoding("iso-8859-1", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback),
        _ => throw new TemplateRenderException($"unknown encoding: {name}"),
    };
}
