using System.CommandLine;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench;

/// <summary>The options of <c>inferencehost bench</c> as the parser knows them; their meaning is checked in <see cref="BenchOptionReader"/>.</summary>
internal sealed class BenchOptions
{
    public Option<string[]> Targets { get; } = new("--target", "-t")
    {
        HelpName = "KIND=URL",
        Description = "Server to drive: KIND=URL with kind grpc (this product), llama (llama-server's /completion) or openai (URL up to /v1). " +
            "Repeat for several, which then take turns round by round. Settings after commas: name=LABEL, adapters=on|off, cache=on|off, api=completions|chat.",
    };

    public Option<string?> Baseline { get; } = new("--baseline") { HelpName = "NAME", Description = "Name of the target that ratios are against. Default: the first that is not of kind grpc, else the first." };

    public Option<string> Scenario { get; } = new("--scenario")
    {
        HelpName = "NAME",
        Description = "load: throughput and latency. second-request: TTFT during a long generation. long-prefill: inter-token latency during another " +
            "tenant's prefill. shared-prefix: a repeated system prompt.",
        DefaultValueFactory = _ => "load",
    };

    public Option<string> Streams { get; } = new("--streams", "-s")
    {
        HelpName = "N[,N...]",
        Description = "Closed loop: concurrent streams, one or more levels, e.g. 1,8,16,32. In scenarios: streams in the background.",
        DefaultValueFactory = _ => "1",
    };

    public Option<string?> Rate { get; } = new("--rate") { HelpName = "R[,R...]", Description = "Open loop instead: mean arrivals per second (Poisson), one or more levels, e.g. 0.5,1,2." };

    public Option<int> RequestsPerStream { get; } = new("--requests-per-stream") { HelpName = "N", Description = "Closed loop: requests each stream sends one after another.", DefaultValueFactory = _ => 1 };

    public Option<int> Requests { get; } = new("--requests", "-n") { HelpName = "N", Description = "Open loop: requests per round.", DefaultValueFactory = _ => 32 };

    public Option<string?> Adapters { get; } = new("--adapters")
    {
        HelpName = "NAME[,NAME...]",
        Description = "Adapter names, dealt round-robin to streams (open loop: to requests), e.g. bank,hospital,base; 'base' is the base model. " +
            "For llama-server a name is an adapter file's name without its extension.",
    };

    public Option<int?> MaxTokens { get; } = new("--max-tokens") { HelpName = "N", Description = "Tokens to generate per request; with --lengths the upper limit. Default: 64, in the scenarios with background streams 400." };

    public Option<bool> IgnoreEos { get; } = new("--ignore-eos") { Description = "Generate --max-tokens tokens whatever the model wants." };

    public Option<float> Temperature { get; } = new("--temperature") { HelpName = "T", Description = "Softmax temperature; 0 = greedy.", DefaultValueFactory = _ => 0 };

    public Option<string> CachePrompt { get; } = new("--cache-prompt") { HelpName = "on|off", Description = "on or off: may llama-server use its prompt cache (its own default is on).", DefaultValueFactory = _ => "on" };

    public Option<string?> PromptIds { get; } = new("--prompt-ids") { HelpName = "ID[,ID...]", Description = "One fixed prompt of token ids, e.g. 1,4093,198." };

    public Option<string?> PromptText { get; } = new("--prompt-text") { HelpName = "TEXT", Description = "One fixed prompt of text." };

    public Option<string?> PromptFile { get; } = new("--prompt-file") { HelpName = "FILE", Description = "Text file: the prompt, or with --prompt-length or --lengths the text that prompts are cut from." };

    public Option<string?> Prompts { get; } = new("--prompts") { HelpName = "FILE", Description = "JSONL file, one prompt per line (turns[0], prompt or text); used like --prompt-file." };

    public Option<int?> PromptLength { get; } = new("--prompt-length") { HelpName = "N", Description = "Prompt tokens. Default: 32 random ids; second-request 128, long-prefill 4096, shared-prefix 1024." };

    public Option<string?> Lengths { get; } = new("--lengths")
    {
        HelpName = "NAME",
        Description = "Log-normal lengths of prompt and answer: sharegpt, alpaca, or PROMPT_MEAN,PROMPT_SIGMA,OUTPUT_MEAN,OUTPUT_SIGMA.",
    };

    public Option<int> MaxPromptTokens { get; } = new("--max-prompt-tokens") { HelpName = "N", Description = "Upper limit of prompt lengths drawn by --lengths.", DefaultValueFactory = _ => 2048 };

    public Option<int> Vocabulary { get; } = new("--vocabulary") { HelpName = "N", Description = "Random prompts use token ids from 100 to this, exclusive.", DefaultValueFactory = _ => RandomIdPrompts.DefaultVocabulary };

    public Option<ulong> Seed { get; } = new("--seed") { HelpName = "N", Description = "Seed of prompts, lengths, arrivals and sampling.", DefaultValueFactory = _ => 1 };

    public Option<int> Repetitions { get; } = new("--repetitions", "-r") { HelpName = "N", Description = "Measured rounds per level and target.", DefaultValueFactory = _ => 5 };

    public Option<int> Warmup { get; } = new("--warmup") { HelpName = "N", Description = "Rounds per level and target that are run first and not counted.", DefaultValueFactory = _ => 1 };

    public Option<int> PauseMs { get; } = new("--pause-ms") { HelpName = "MS", Description = "Rest between rounds.", DefaultValueFactory = _ => 100 };

    public Option<double> TimeoutSeconds { get; } = new("--timeout") { HelpName = "SECONDS", Description = "Seconds a request may take before it counts as failed.", DefaultValueFactory = _ => 300 };

    public Option<double?> SloTtftMs { get; } = new("--slo-ttft-ms") { HelpName = "MS", Description = "Goodput: limit of the time to first token." };

    public Option<double?> SloInterTokenMs { get; } = new("--slo-itl-ms") { HelpName = "MS", Description = "Goodput: limit of a request's mean inter-token time." };

    public Option<string?> MinRatio { get; } = new("--min-ratio")
    {
        HelpName = "RATIO",
        Description = "Exit code 8 where a target's median tokens/s ratio is lower: one number, or per level, e.g. 1=0.95,8=1.1.",
    };

    public Option<int> MaxErrors { get; } = new("--max-errors") { HelpName = "N", Description = "Failed requests that are still a success.", DefaultValueFactory = _ => 0 };

    public Option<bool> Strict { get; } = new("--strict") { Description = "Exit code 8 where a target of kind grpc misses a limit of a scenario." };

    public Option<string?> Json { get; } = new("--json") { HelpName = "FILE", Description = "Write everything to this file as JSON." };

    public Option<string?> Markdown { get; } = new("--markdown") { HelpName = "FILE", Description = "Write the tables to this file as Markdown." };

    public Option<string?> Svg { get; } = new("--svg") { HelpName = "FILE", Description = "Draw throughput, TTFT and inter-token latency into this file." };

    /// <summary>Adds all options to the command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            Targets, Baseline, Scenario, Streams, Rate, RequestsPerStream, Requests, Adapters, MaxTokens, IgnoreEos, Temperature, CachePrompt,
            PromptIds, PromptText, PromptFile, Prompts, PromptLength, Lengths, MaxPromptTokens, Vocabulary, Seed, Repetitions, Warmup, PauseMs,
            TimeoutSeconds, SloTtftMs, SloInterTokenMs, MinRatio, Strict, MaxErrors, Json, Markdown, Svg,
        ];
        foreach (var option in all) command.Options.Add(option);
    }
}
