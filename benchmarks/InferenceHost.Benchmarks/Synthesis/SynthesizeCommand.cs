using System.Globalization;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Benchmarks.Synthesis;

/// <summary><c>synthesize SHAPE FOLDER [RANK ...]</c>: a model and an adapter of each rank.</summary>
internal static class SynthesizeCommand
{
    public const string Name = "synthesize";

    private const string Vocabulary = "models/SmolLM2-135M-Instruct.IQ4_NL.gguf";

    /// <summary>Returns the exit code.</summary>
    public static int Run(ReadOnlySpan<string> args)
    {
        if (args.Length < 2)
        {
            Console.Error.WriteLine($"usage: {Name} SHAPE FOLDER [RANK ...]   (in the root of the repository; SHAPE: 8b, or layers x embedding x feed-forward x heads x kv heads)");
            return 2;
        }
        try
        {
            var folder = Directory.CreateDirectory(args[1]).FullName;
            using var vocabulary = GgufFile.Open(Vocabulary);
            var model = new SyntheticModel(SyntheticShape.Parse(args[0]), vocabulary);
            model.WriteModel(Path.Combine(folder, "model.gguf"));
            Directory.CreateDirectory(Path.Combine(folder, "adapters"));
            foreach (var rank in args[2..])
                model.WriteAdapter(Path.Combine(folder, "adapters", $"rank-{rank}.gguf"), int.Parse(rank, NumberStyles.None, CultureInfo.InvariantCulture));
            Console.WriteLine(folder);
            return 0;
        }
        catch (Exception error) when (error is FormatException or OverflowException or IOException or UnauthorizedAccessException or ModelFiles.ModelFileException)
        {
            Console.Error.WriteLine($"{Name}: {error.Message}");
            return 1;
        }
    }
}
