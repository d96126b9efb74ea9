using InferenceHost.Worker;

return args switch
{
    ["--socket", var path] => WorkerProcess.Run(path),
    ["probe", .. var rest] => ProbeCommand.Run(rest),
    ["tokenize", "--vocab", var path] => VocabularyLines.Tokenize(path),
    ["detokenize", "--vocab", var path] => VocabularyLines.Detokenize(path),
    ["bench", .. var rest] => DecodeBenchmark.Run(rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        This is the engine process of InferenceHost; the server starts it. By hand it answers:
          inferencehost-worker probe --model PATH [--adapter PATH]     loads a file and decodes a few tokens; exit code 0 = usable
          inferencehost-worker tokenize --vocab PATH                   JSON strings in, JSON arrays of token ids out, one a line
          inferencehost-worker detokenize --vocab PATH                 the reverse
          inferencehost-worker bench --model PATH [--threads N] [--tokens N] [--streams N] [--repeat N]
        """);
    return 2;
}
