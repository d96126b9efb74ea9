namespace InferenceHost.Worker.Tokenization;

/// <summary>Plain text to ids (no BOS, special tokens in the text not parsed) and back. Throws <see cref="System.Text.Json.JsonException"/> for what cannot be converted.</summary>
internal interface ILineCodec : IDisposable
{
    int[] Encode(string text);

    string Decode(int[] ids);
}
