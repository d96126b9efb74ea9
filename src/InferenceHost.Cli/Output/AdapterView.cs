using System.Globalization;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Output;

/// <summary>Adapters, for people.</summary>
internal static class AdapterView
{
    private const int ShortHashCharacters = 12;

    public static void WriteTable(CliContext cli, IEnumerable<AdapterInfo> adapters)
    {
        var table = new TableView("name", "generation", "state", "rank", "alpha", "targets", "size", "requests");
        foreach (AdapterInfo adapter in adapters)
        {
            table.Add(adapter.Name, Short(adapter.Sha256), Describe(adapter.State), $"{adapter.Rank}", Format(adapter.Alpha),
                string.Join(' ', adapter.Targets), Quantities.Bytes(adapter.FileBytes), Quantities.Count(adapter.ActiveRequests));
        }
        table.Write(cli);
    }

    public static void Write(CliContext cli, AdapterInfo adapter) =>
        new FactsView()
            .Add("name", adapter.Name)
            .Add("generation", adapter.Sha256)
            .Add("state", Describe(adapter.State))
            .Add("architecture", adapter.Architecture)
            .Add("rank", $"{adapter.Rank}, alpha {Format(adapter.Alpha)}")
            .Add("targets", string.Join(' ', adapter.Targets))
            .Add("size", Quantities.Bytes(adapter.FileBytes))
            .Add("requests now", Quantities.Count(adapter.ActiveRequests))
            .Write(cli);

    /// <summary>As much of a generation as tells it apart.</summary>
    public static string Short(string sha256) => sha256.Length > ShortHashCharacters ? sha256[..ShortHashCharacters] : sha256;

    private static string Describe(AdapterState state) => state switch
    {
        AdapterState.Stored => "on disk",
        AdapterState.Cached => "in memory",
        AdapterState.Loaded => "in a slot",
        _ => "",
    };

    private static string Format(float value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
