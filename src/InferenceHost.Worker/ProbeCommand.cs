using System.Text.Json;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf;

namespace InferenceHost.Worker;

/// <summary>Tries a model, or an adapter on it, in this process, which is thrown away: one JSON line tells how it went, the exit code too.</summary>
internal static class ProbeCommand
{
    public static int Run(string[] arguments)
    {
        var (model, adapter) = arguments switch
        {
            ["--model", var m] => (m, null),
            ["--model", var m, "--adapter", var a] => (m, a),
            _ => ((string?)null, (string?)null),
        };
        if (model is null) return Tell(2, "usage: probe --model PATH [--adapter PATH]");
        try
        {
            ModelProbe.GiveWay();
            ModelProbe.Run(model, adapter);
            return Tell(0, null);
        }
        catch (Exception e) when (e is EngineException or IOException or ArgumentException or UnauthorizedAccessException)
        {
            return Tell(1, e.Message);
        }
    }

    private static int Tell(int exitCode, string? error)
    {
        using var output = Console.OpenStandardOutput();
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteBoolean("usable", exitCode == 0);
        if (error is not null) json.WriteString("error", error);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
        return exitCode;
    }
}
