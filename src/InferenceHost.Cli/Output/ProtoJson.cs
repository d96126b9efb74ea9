using Google.Protobuf;

namespace InferenceHost.Cli.Output;

/// <summary>Messages as scripts read them: the proto3 JSON mapping with the names of the .proto files, one object per line.</summary>
internal static class ProtoJson
{
    private static readonly JsonFormatter Complete = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true).WithFormatDefaultValues(true));
    private static readonly JsonFormatter Sparse = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    /// <summary>An answer: every field is there, also those with default values.</summary>
    public static void WriteJson(this CliContext cli, IMessage message) => cli.Out.WriteLine(Complete.Format(message));

    /// <summary>One message of a stream: only the fields that are set. Flushed, because somebody waits for it.</summary>
    public static void WriteJsonPart(this CliContext cli, IMessage message)
    {
        cli.Out.WriteLine(Sparse.Format(message));
        cli.Out.Flush();
    }
}
