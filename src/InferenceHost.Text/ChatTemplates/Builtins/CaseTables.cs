using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Case mappings of one code point to several or to a title form (Unicode's SpecialCasing), which .NET's invariant mappings lack.</summary>
internal static class CaseTables
{
    private static readonly FrozenDictionary<int, string> UpperMap = Read(
        "\u00dfSS|\u0149\u02bcN|\u01f0J\u030c|\u0390\u0399\u0308\u0301|\u03b0\u03a5\u0308\u0301|\u0587\u0535\u0552|\u1e96H\u0331|\u1e97T\u0308|\u1e98W\u030a|\u1e99Y\u030a|\u1e9aA\u02be|\u1f50\u03a5\u0313|" +
        "\u1f52\u03a5\u0313\u0300|\u1f54\u03a5\u0313\u0301|\u1f56\u03a5\u0313\u0342|\u1f80\u1f08\u0399|\u1f81\u1f09\u0399|\u1f82\u1f0a\u0399|\u1f83\u1f0b\u0399|\u1f84\u1f0c\u0399|\u1f85\u1f0d\u0399|\u1f86\u1f0e\u0399|\u1f87\u1f0f\u0399|\u1f88\u1f08\u0399|" +
        "\u1f89\u1f09\u0399|\u1f8a\u1f0a\u0399|\u1f8b\u1f0b\u0399|\u1f8c\u1f0c\u0399|\u1f8d\u1f0d\u0399|\u1f8e\u1f0e\u0399|\u1f8f\u1f0f\u0399|\u1f90\u1f28\u0399|\u1f91\u1f29\u0399|\u1f92\u1f2a\u0399|\u1f93\u1f2b\u0399|\u1f94\u1f2c\u0399|" +
        "\u1f95\u1f2d\u0399|\u1f96\u1f2e\u0399|\u1f97\u1f2f\u0399|\u1f98\u1f28\u0399|\u1f99\u1f29\u0399|\u1f9a\u1f2a\u0399|\u1f9b\u1f2b\u0399|\u1f9c\u1f2c\u0399|\u1f9d\u1f2d\u0399|\u1f9e\u1f2e\u0399|\u1f9f\u1f2f\u0399|\u1fa0\u1f68\u0399|" +
        "\u1fa1\u1f69\u0399|\u1fa2\u1f6a\u0399|\u1fa3\u1f6b\u0399|\u1fa4\u1f6c\u0399|\u1fa5\u1f6d\u0399|\u1fa6\u1f6e\u0399|\u1fa7\u1f6f\u0399|\u1fa8\u1f68\u0399|\u1fa9\u1f69\u0399|\u1faa\u1f6a\u0399|\u1fab\u1f6b\u0399|\u1fac\u1f6c\u0399|" +
        "\u1fad\u1f6d\u0399|\u1fae\u1f6e\u0399|\u1faf\u1f6f\u0399|\u1fb2\u1fba\u0399|\u1fb3\u0391\u0399|\u1fb4\u0386\u0399|\u1fb6\u0391\u0342|\u1fb7\u0391\u0342\u0399|\u1fbc\u0391\u0399|\u1fc2\u1fca\u0399|\u1fc3\u0397\u0399|\u1fc4\u0389\u0399|" +
        "\u1fc6\u0397\u0342|\u1fc7\u0397\u0342\u0399|\u1fcc\u0397\u0399|\u1fd2\u0399\u0308\u0300|\u1fd3\u0399\u0308\u0301|\u1fd6\u0399\u0342|\u1fd7\u0399\u0308\u0342|\u1fe2\u03a5\u0308\u0300|\u1fe3\u03a5\u0308\u0301|\u1fe4\u03a1\u0313|\u1fe6\u03a5\u0342|\u1fe7\u03a5\u0308\u0342|" +
        "\u1ff2\u1ffa\u0399|\u1ff3\u03a9\u0399|\u1ff4\u038f\u0399|\u1ff6\u03a9\u0342|\u1ff7\u03a9\u0342\u0399|\u1ffc\u03a9\u0399|\ufb00FF|\ufb01FI|\ufb02FL|\ufb03FFI|\ufb04FFL|\ufb05ST|" +
        "\ufb06ST|\ufb13\u0544\u0546|\ufb14\u0544\u0535|\ufb15\u0544\u053b|\ufb16\u054e\u0546|\ufb17\u0544\u053d");

    private static readonly FrozenDictionary<int, string> TitleMap = Read(
        "\u00dfSs|\u01c4\u01c5|\u01c5\u01c5|\u01c6\u01c5|\u01c7\u01c8|\u01c8\u01c8|\u01c9\u01c8|\u01ca\u01cb|\u01cb\u01cb|\u01cc\u01cb|\u01f1\u01f2|\u01f2\u01f2|" +
        "\u01f3\u01f2|\u0587\u0535\u0582|\u1fb2\u1fba\u0345|\u1fb3\u1fbc|\u1fb4\u0386\u0345|\u1fb7\u0391\u0342\u0345|\u1fbc\u1fbc|\u1fc2\u1fca\u0345|\u1fc3\u1fcc|\u1fc4\u0389\u0345|\u1fc7\u0397\u0342\u0345|\u1fcc\u1fcc|" +
        "\u1ff2\u1ffa\u0345|\u1ff3\u1ffc|\u1ff4\u038f\u0345|\u1ff7\u03a9\u0342\u0345|\u1ffc\u1ffc|\ufb00Ff|\ufb01Fi|\ufb02Fl|\ufb03Ffi|\ufb04Ffl|\ufb05St|\ufb06St|" +
        "\ufb13\u0544\u0576|\ufb14\u0544\u0565|\ufb15\u0544\u056b|\ufb16\u054e\u0576|\ufb17\u0544\u056d");

    private static readonly SearchValues<char> SpecialUpper = SearchValues.Create([.. UpperMap.Keys.Select(k => (char)k), '\u0131', '\u017f', '\u01c5', '\u01c8', '\u01cb', '\u01f2']);

    private static readonly SearchValues<char> SpecialLower = SearchValues.Create("\u0130\u03a3\u01c5\u01c8\u01cb\u01f2");

    /// <summary>Whether some character's upper case differs from .NET's; if none does, the text keeps its length.</summary>
    public static bool HasSpecialUpper(string text) => text.AsSpan().ContainsAny(SpecialUpper);

    /// <summary>Whether some character's lower case differs from .NET's; if none does, the text keeps its length.</summary>
    public static bool HasSpecialLower(string text) => text.AsSpan().ContainsAny(SpecialLower);

    public static string Upper(int point)
    {
        if (point < 0x80) return ((char)char.ToUpperInvariant((char)point)).ToString();
        if (UpperMap.TryGetValue(point, out var special)) return special;
        return point switch
        {
            0x131 => "I",
            0x17F => "S",
            0x1C5 => "\u01c4",
            0x1C8 => "\u01c7",
            0x1CB => "\u01ca",
            0x1F2 => "\u01f1",
            _ => Simple(point, Rune.ToUpperInvariant),
        };
    }

    public static string Title(int point)
    {
        if (TitleMap.TryGetValue(point, out var special)) return special;
        if (point is >= 0x10D0 and <= 0x10FF) return ((char)point).ToString();
        if (point is >= 0x1F80 and <= 0x1FAF) return ((char)(point | 8)).ToString();
        return Upper(point);
    }

    public static string Lower(int point) => point switch
    {
        < 0x80 => char.ToLowerInvariant((char)point).ToString(),
        0x130 => "i\u0307",
        0x1C5 => "\u01c6",
        0x1C8 => "\u01c9",
        0x1CB => "\u01cc",
        0x1F2 => "\u01f3",
        _ => Simple(point, Rune.ToLowerInvariant),
    };

    private static string Simple(int point, Func<Rune, Rune> map) => Rune.TryCreate(point, out var rune) ? map(rune).ToString() : ((char)point).ToString();

    private static FrozenDictionary<int, string> Read(string table) => table.Split('|').ToFrozenDictionary(e => (int)e[0], e => e[1..]);
}
