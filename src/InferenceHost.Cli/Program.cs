using InferenceHost.Cli;

return await CommandLine.RunAsync(args, CliContext.FromConsole()).ConfigureAwait(false);
