namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>A token that is matched by its name before the text is split.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Text">Its name, UTF-8.</param>
/// <param name="NeedsTrust">Control and unknown tokens: matched in trusted text only. User-defined tokens are matched everywhere.</param>
/// <param name="StripsLeft">Whether white space before it belongs to it.</param>
/// <param name="StripsRight">Whether white space behind it belongs to it.</param>
internal readonly record struct SpecialToken(int Id, byte[] Text, bool NeedsTrust, bool StripsLeft, bool StripsRight);
