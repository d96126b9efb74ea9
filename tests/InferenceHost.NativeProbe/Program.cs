using InferenceHost.NativeProbe;

// Reads "MODEL" or "MODEL<tab>ADAPTER" lines from standard input, shows each file to the engine and answers one line each:
// "ok", or "refused: where". If the engine stops the process, the parent sees the end of the stream instead.
Native.LoadFrom(args[0]);
Console.WriteLine("ready");
using var probe = new Probe();
while (Console.ReadLine() is { } line)
{
    var paths = line.Split('\t');
    Console.WriteLine(probe.Run(paths[0], paths.Length > 1 ? paths[1] : null));
}
