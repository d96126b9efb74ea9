using System.Text.Json;
using System.Text.RegularExpressions;

namespace InferenceHost.ModelFiles.Catalogue;

/// <summary>Reads manifests strictly: every field is required and known, so that a misspelt hash is an error and not a hash that nobody
/// checks.</summary>
public static partial class ManifestReader
{
    private const int MaxBytes = 1 << 20;
    private const string Remedy = "Correct the manifest.";
    private static readonly string[] ModelFields = ["name", "file", "sha256", "architecture", "licence", "source", "contextLength",
        "quantisation", "goodFor", "adapters"];
    private static readonly string[] AdapterFields = ["name", "file", "sha256", "licence", "source", "baseSha256", "goodFor"];

    /// <summary>Reads one manifest.</summary>
    /// <exception cref="ModelFileException">The file cannot be read or breaks the schema; the field is named.</exception>
    public static ModelManifest Read(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists || info.Length > MaxBytes)
                throw Bad(path, "file", info.Exists ? $"{info.Length} bytes" : "nothing", $"a JSON file of at most {MaxBytes} bytes");
            using var json = JsonDocument.Parse(File.ReadAllBytes(path),
                new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            return ReadModel(path, json.RootElement);
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            throw new ModelFileException(path, "manifest", error.Message, "a JSON manifest", Remedy, null, error);
        }
    }

    private static ModelManifest ReadModel(string path, JsonElement root)
    {
        CheckFields(path, root, "", ModelFields);
        var list = root.GetProperty("adapters");
        if (list.ValueKind != JsonValueKind.Array)
            throw Bad(path, "adapters", $"{list.ValueKind}", "an array");
        var adapters = list.EnumerateArray().Select((entry, i) => ReadAdapter(path, entry, $"adapters[{i}].")).ToArray();
        var twin = adapters.GroupBy(a => a.Name).FirstOrDefault(g => g.Count() > 1);
        if (twin is not null)
            throw Bad(path, "adapters", $"the name '{twin.Key}' twice", "each name once");
        var context = root.GetProperty("contextLength");
        if (context.ValueKind != JsonValueKind.Number || !context.TryGetInt32(out var tokens) || tokens < 1)
            throw Bad(path, "contextLength", context.GetRawText(), "a whole number of at least 1");
        return new ModelManifest(Name(path, root, ""), FileName(path, root, ""), Hash(path, root, "", "sha256"),
            Text(path, root, "", "architecture"), Licence(path, root, ""),
            Text(path, root, "", "source"), tokens, Text(path, root, "", "quantisation"), Text(path, root, "", "goodFor"), adapters);
    }

    private static AdapterManifest ReadAdapter(string path, JsonElement entry, string at)
    {
        CheckFields(path, entry, at, AdapterFields);
        return new AdapterManifest(Name(path, entry, at), FileName(path, entry, at), Hash(path, entry, at, "sha256"),
            Licence(path, entry, at),
            Text(path, entry, at, "source"), Hash(path, entry, at, "baseSha256"), Text(path, entry, at, "goodFor"));
    }

    private static void CheckFields(string path, JsonElement element, string at, string[] fields)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Bad(path, at.Length == 0 ? "manifest" : at.TrimEnd('.'), $"{element.ValueKind}", "an object");
        foreach (var property in element.EnumerateObject())
        {
            if (!fields.Contains(property.Name))
                throw Bad(path, at + property.Name, "an unknown field", string.Join(", ", fields));
        }

        foreach (var field in fields)
        {
            if (!element.TryGetProperty(field, out _))
                throw Bad(path, at + field, "nothing", "a value; every field is required");
        }
    }

    private static string Text(string path, JsonElement element, string at, string field)
    {
        var value = element.GetProperty(field);
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()!
            : throw Bad(path, at + field, $"{value.ValueKind}", "a string");
        return text.Trim().Length > 0 ? text : throw Bad(path, at + field, "an empty string", "some text");
    }

    private static string Name(string path, JsonElement element, string at)
    {
        var text = Text(path, element, at, "name");
        return NamePattern().IsMatch(text) ? text : throw Bad(path, at + "name", $"'{text}'",
            "letters, digits, '.', '_' and '-', at most 128");
    }

    // A manifest names files of its own folder and below, nothing else.
    private static string FileName(string path, JsonElement element, string at)
    {
        var text = Text(path, element, at, "file");
        var safe = !Path.IsPathRooted(text) && !text.Contains('\\', StringComparison.Ordinal)
            && !text.Contains('\0', StringComparison.Ordinal)
            && text.Split('/').All(part => part is not ("" or "." or ".."));
        return safe ? text : throw Bad(path, at + "file", $"'{text}'", "a relative path below the manifest's folder");
    }

    private static string Hash(string path, JsonElement element, string at, string field)
    {
        var text = Text(path, element, at, field);
        return ContentHash.IsSha256(text) ? text.ToLowerInvariant() : throw Bad(path, at + field, $"'{text}'", "64 hexadecimal digits");
    }

    private static string Licence(string path, JsonElement element, string at)
    {
        var text = Text(path, element, at, "licence");
        return SpdxPattern().IsMatch(text) ? text : throw Bad(path, at + "licence", $"'{text}'", "an SPDX expression such as Apache-2.0");
    }

    private static ModelFileException Bad(string path, string field, string found, string allowed) =>
        new(path, field, found, allowed, Remedy);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\z", RegexOptions.NonBacktracking)]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\A\(*[A-Za-z0-9][A-Za-z0-9.+-]*\)*( (AND|OR|WITH) \(*[A-Za-z0-9][A-Za-z0-9.+-]*\)*)*\z",
        RegexOptions.NonBacktracking)]
    private static partial Regex SpdxPattern();
}
