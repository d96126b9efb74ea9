using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Tests.Scripted;

/// <summary>Token i is the letter 'a' + i % 26; the last id ends a generation.</summary>
internal sealed class ScriptedVocabulary(int size) : ITokenVocabulary
{
    private static readonly byte[] Letters = [.. "abcdefghijklmnopqrstuvwxyz"u8];

    public int Size => size;

    public int EndToken => size - 1;

    public ReadOnlySpan<byte> Piece(int id) => id == EndToken ? [] : Letters.AsSpan(id % 26, 1);

    public bool IsEndOfGeneration(int id) => id == EndToken;
}
