namespace InferenceHost.Cli.Bench.Targets;

/// <summary>A request in the form its target sends.</summary>
internal abstract record PreparedRequest;
