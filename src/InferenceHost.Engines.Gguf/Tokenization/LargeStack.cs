using System.Runtime.ExceptionServices;

namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>Runs a call on a thread of its own with a stack that recursive regular expressions cannot exhaust within our slice length.</summary>
internal static class LargeStack
{
    // libllama's fall-back splitter recurses once per character, at some 300-700 bytes each; pages that are never touched cost nothing.
    private const int StackBytes = 128 << 20;

    public static void Run(Action call)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                call();
            }
            catch (Exception caught)
            {
                failure = ExceptionDispatchInfo.Capture(caught);
            }
        }, StackBytes)
        { IsBackground = true, Name = "tokenizer" };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
