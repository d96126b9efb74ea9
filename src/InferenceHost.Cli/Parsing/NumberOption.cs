using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace InferenceHost.Cli.Parsing;

/// <summary>Options that take one number and say in plain words what they did not understand.</summary>
internal static class NumberOption
{
    /// <summary>An option whose value is null where it is absent.</summary>
    public static Option<T?> Create<T>(string name, string helpName, string description) where T : struct, INumber<T> => new(name)
    {
        HelpName = helpName,
        Description = description,
        CustomParser = result => Parse<T>(result, name),
    };

    private static T? Parse<T>(ArgumentResult result, string name) where T : struct, INumber<T>
    {
        if (result.Tokens.Count == 0)
            return null;
        string text = result.Tokens[0].Value;
        bool isWhole = T.IsInteger(T.One / (T.One + T.One));
        if (T.TryParse(text, isWhole ? NumberStyles.AllowLeadingSign : NumberStyles.Float, CultureInfo.InvariantCulture, out T value))
            return value;
        result.AddError($"{name}: '{text}' is no {(isWhole ? $"whole number that fits {8 * System.Runtime.CompilerServices.Unsafe.SizeOf<T>()} bits" : "number")}.");
        return null;
    }
}
