using System.Reflection;
using BenchmarkDotNet.Running;
using InferenceHost.Benchmarks.Synthesis;

if (args is [SynthesizeCommand.Name, .. var rest])
    return SynthesizeCommand.Run(rest);
BenchmarkSwitcher.FromAssembly(Assembly.GetExecutingAssembly()).Run(args);
return 0;
