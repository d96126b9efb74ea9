using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>
/// Where llama.cpp's log lines go. It has one process-wide callback; warnings and errors of the calling thread are also collected,
/// so that a failed call can be reported with the library's own words.
/// </summary>
internal static unsafe class NativeLog
{
    [ThreadStatic]
    private static Collector? _collector;

    /// <summary>Gets every complete line with its level; null = dropped. Called on native threads, must be quick and must not throw.</summary>
    internal static volatile Action<ggml_log_level, string>? Sink;

    /// <summary>Collects warnings and errors of this thread until it is disposed.</summary>
    internal static Collector Collect() => new();

    internal static void Install()
    {
        LibGgmlBase.ggml_log_set(&OnLog, null);
        LibLlama.llama_log_set(&OnLog, null);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(int level, byte* text, void* userData)
    {
        try
        {
            var severity = (ggml_log_level)level;
            var collector = _collector;
            var sink = Sink;
            if ((severity <= ggml_log_level.Info && sink is null) || (collector is null && sink is null))
                return;
            var line = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text)).TrimEnd();
            collector?.Add(severity, line);
            sink?.Invoke(severity, line);
        }
        catch (Exception)
        {
            // A log line is not worth the process: nothing may leave a native callback.
        }
    }

    /// <summary>The warnings and errors since <see cref="Collect"/>.</summary>
    internal sealed class Collector : IDisposable
    {
        private const int MaxLines = 8;
        private readonly Collector? _outer = _collector;
        private readonly List<string> _errors = [];
        private readonly List<string> _warnings = [];

        internal Collector() => _collector = this;

        /// <summary>Errors where there are any, else warnings, in one line.</summary>
        internal string Summary => _errors.Count > 0 ? string.Join("; ", _errors) : _warnings.Count > 0 ? string.Join("; ", _warnings) : "no reason given";

        internal void Add(ggml_log_level level, string line)
        {
            var lines = level == ggml_log_level.Error ? _errors : level == ggml_log_level.Warn ? _warnings : null;
            if (lines is { Count: < MaxLines } && line.Length > 0)
                lines.Add(line);
            _outer?.Add(level, line);
        }

        public void Dispose() => _collector = _outer;
    }
}
