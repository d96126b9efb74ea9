using System.Reflection;
using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Finds, loads and checks the native libraries, once per process. Everything else in this project calls <see cref="Ensure"/> first.</summary>
internal static class NativeLibraries
{
    /// <summary>Environment variable that names the folder of the libraries.</summary>
    internal const string DirectoryVariable = "INFERENCEHOST_NATIVE_DIR";

    private static readonly Lazy<NativeLibrarySet> Loaded = new(Load);

    /// <summary>Loads the libraries where that has not happened; throws <see cref="EngineException"/> with the remedy where it cannot be done.</summary>
    internal static NativeLibrarySet Ensure() => Loaded.Value;

    /// <summary>The folder that would be used, by the order documented in native/README.md.</summary>
    internal static string FindDirectory(string baseDirectory, string? overridden)
    {
        if (overridden is { Length: > 0 })
            return Checked(overridden, $"the environment variable {DirectoryVariable}");
        var beside = Path.Combine(baseDirectory, "native");
        if (Directory.Exists(beside) && Find(beside, "libggml-base.so*") is not null)
            return beside;
        var pointer = Path.Combine(baseDirectory, "inferencehost.native.path");
        if (File.Exists(pointer))
            return Checked(File.ReadAllText(pointer).Trim(), pointer);
        throw new EngineException(
            $"the llama.cpp libraries were not found: neither {DirectoryVariable} is set nor is there {beside} or {pointer}. Build the project again (see native/README.md)");
    }

    private static string Checked(string directory, string origin) =>
        Directory.Exists(directory) && Find(directory, "libggml-base.so*") is not null
            ? Path.GetFullPath(directory)
            : throw new EngineException($"{origin} names {directory}, which does not hold libggml-base.so. Build the project again or correct the path (see native/README.md)");

    private static NativeLibrarySet Load()
    {
        var directory = FindDirectory(AppContext.BaseDirectory, Environment.GetEnvironmentVariable(DirectoryVariable));
        // Without it an abort forks a debugger, which can hang a container.
        _ = LibC.setenv("GGML_NO_BACKTRACE", "1", 0);
        var ggmlBase = Open(directory, "libggml-base.so*");
        var ggml = Open(directory, "libggml.*so*");
        var llama = Open(directory, "libllama.*so*");
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => name switch
        {
            "ggml-base" => ggmlBase,
            "ggml" => ggml,
            "llama" => llama,
            _ => 0,
        });
        var set = AbiCheck.Verify(directory);
        NativeLog.Install();
        string driverSays;
        using (var log = NativeLog.Collect())
        {
            LibGgml.ggml_backend_load_all_from_path(directory);
            driverSays = log.Summary;
        }
        if (LibGgml.ggml_backend_dev_by_type(ggml_backend_dev_type.Cpu) == 0)
            throw new EngineException($"no libggml-cpu-*.so in {directory} runs on this processor");
        LibLlama.llama_backend_init();
        return set with
        {
            CudaFault = DeviceChoice.FindCuda() == 0 ? CudaFault(directory, driverSays) : null,
            ShowsScheduler = NativeLibrary.TryGetExport(llama, LibLlama.GetScheduler, out _),
        };
    }

    /// <summary>Why the CUDA backend in a folder has no device: ggml passes over a backend that cannot be loaded and says nothing. Null where there is no such backend.</summary>
    internal static string? CudaFault(string directory, string driverSays)
    {
        if (Find(directory, "libggml-cuda*.so*") is not { } path)
            return null;
        try
        {
            NativeLibrary.Load(path);
            return $"{path} was loaded and found no device: {driverSays}";
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
        {
            // The loader's own words come last.
            return $"{path} could not be loaded: {failure.Message.Trim().Split('\n')[^1].Trim()}";
        }
    }

    private static string? Find(string directory, string pattern) =>
        Directory.EnumerateFiles(directory, pattern).Where(path => !path.Contains("-common", StringComparison.Ordinal)).Order(StringComparer.Ordinal).FirstOrDefault();

    private static nint Open(string directory, string pattern)
    {
        var path = Find(directory, pattern) ?? throw new EngineException($"{directory} does not hold {pattern}");
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
        {
            throw new EngineException($"{path} could not be loaded: {failure.Message}", failure);
        }
    }
}
