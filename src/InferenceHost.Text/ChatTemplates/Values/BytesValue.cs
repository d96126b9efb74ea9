namespace InferenceHost.Text.ChatTemplates;

/// <summary>What <c>str.encode</c> returns.</summary>
internal sealed class BytesValue(byte[] bytes, TextOrigin origin) : Value
{
    public byte[] Bytes => bytes;

    public override TextOrigin Origin => origin;

    public override string TypeName => "bytes";

    public override bool Truthy => bytes.Length > 0;
}
