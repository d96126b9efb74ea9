using System.Text.Json;
using InferenceHost.Cli.Tests.Fakes;
using InferenceHost.Protocol.V1;
using InferenceHost.Testing;

namespace InferenceHost.Cli.Tests.Commands;

/// <summary>Commands on files, without a server.</summary>
public sealed class FileCommandTests
{
    private const string DefaultModelSha256 = "89f0c60e7b785328eade05744d4e34a2ce581546312be71a5e296908d97f5eee";
    private static readonly Uri Nowhere = new("http://127.0.0.1:9");
    private static readonly string Adapters = Path.Combine(SharedData.RepositoryRoot, "models", "adapters");

    [Fact]
    public async Task ModelFileIsShownWithWhatItsManifestSays()
    {
        CliRun run = await CliRun.RunAsync(Nowhere, "models", "inspect", SharedData.DefaultModel);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("licence:         Apache-2.0", run.Out, StringComparison.Ordinal);
        Assert.Contains("weights:         135 M parameters, IQ4_NL", run.Out, StringComparison.Ordinal);
        Assert.Contains("shape:           30 layers, width 576, 9 heads (3 KV)", run.Out, StringComparison.Ordinal);
        Assert.Contains("chat template:   model file", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AdapterFileIsShownInTheWordsOfTheServer()
    {
        CliRun run = await CliRun.RunAsync(Nowhere, "adapters", "inspect", Path.Combine(Adapters, "factory.gguf"), "--base", SharedData.DefaultModel, "--json");
        AdapterInfo info = AdapterInfo.Parser.ParseJson(run.Out);
        Assert.Equal((4, 16f, "llama"), (info.Rank, info.Alpha, info.Architecture));
        Assert.Equal(["attn_q", "attn_v", "ffn_gate", "ffn_up"], info.Targets);
    }

    [Fact]
    public async Task PeftFolderIsConvertedBeforeItIsShownOrSent()
    {
        string folder = SharedData.Require("adapters/peft/factory");
        CliRun shown = await CliRun.RunAsync(Nowhere, "adapters", "inspect", folder, "--base", SharedData.DefaultModel, "--json");
        AdapterInfo info = AdapterInfo.Parser.ParseJson(shown.Out);
        // Rank-stabilised, alpha 8 and rank 4: the strength it was trained with is 8 * sqrt(4).
        Assert.Equal((4, 16f), (info.Rank, info.Alpha));
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun sent = await server.RunAsync("adapters", "add", "factory", folder, "--base", SharedData.DefaultModel);
        Assert.Equal(0, sent.ExitCode);
        Assert.Equal("GGUF"u8.ToArray(), server.Script.Uploaded[..4]);
        Assert.Equal(info.Sha256, server.Script.Last<PutAdapterHeader>().Sha256);
    }

    [Fact]
    public async Task PeftFolderWithoutItsModelIsRefusedWithTheRemedy()
    {
        string folder = SharedData.Require("adapters/peft/factory");
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("adapters", "add", "factory", folder);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--base PATH", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifyComparesWithTheManifestAndWithAGivenHash()
    {
        CliRun manifest = await CliRun.RunAsync(Nowhere, "models", "verify", SharedData.DefaultModel, "--json");
        JsonElement sound = JsonDocument.Parse(manifest.Out).RootElement;
        Assert.Equal((0, DefaultModelSha256, DefaultModelSha256), (manifest.ExitCode, sound.GetProperty("sha256").GetString(), sound.GetProperty("expected_sha256").GetString()));
        CliRun wrong = await CliRun.RunAsync(Nowhere, "models", "verify", SharedData.DefaultModel, "--sha256", new string('a', 64), "--json");
        Assert.Equal((1, false), (wrong.ExitCode, JsonDocument.Parse(wrong.Out).RootElement.GetProperty("ok").GetBoolean()));
        CliRun typo = await CliRun.RunAsync(Nowhere, "models", "verify", SharedData.DefaultModel, "--sha256", "abc");
        Assert.Equal(2, typo.ExitCode);
    }

    [Fact]
    public async Task DamagedFileIsRefusedWithTheFieldAndTheRemedy()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "GGUF, but no more than that: far too short a header");
            foreach (string verb in (string[])["inspect", "verify"])
            {
                CliRun run = await CliRun.RunAsync(Nowhere, "models", verb, file);
                Assert.Equal((1, ""), (run.ExitCode, run.Out));
                Assert.Contains($"error: {file} is refused", run.Error, StringComparison.Ordinal);
                Assert.Contains("found ", run.Error, StringComparison.Ordinal);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    // The folder's own file is named, never the temporary one, and it is not "not found".
    [Theory]
    [InlineData("adapter_config.json", "lora_alpha", "\"lora_alpha\": 8", "\"lora_alpha\": null")]
    [InlineData("adapter_config.json", "use_dora", "\"use_dora\": false", "\"use_dora\": true")]
    [InlineData("adapter_model.safetensors", "self_attn.k_proj.lora_A.weight", "layers.0.self_attn.q_proj.lora_A", "layers.0.self_attn.k_proj.lora_A")]
    public async Task RefusedPeftFolderIsAFailureThatNamesTheFile(string file, string field, string from, string to)
    {
        using var folder = new TemporaryFolder(SharedData.Require("adapters/peft/factory"));
        folder.Replace(file, from, to);
        foreach (string[] args in (string[][])[["inspect", folder.Path], ["add", "factory", folder.Path]])
        {
            await using FakeServer server = await FakeServer.StartAsync();
            CliRun run = await server.RunAsync(["adapters", .. args, "--base", SharedData.DefaultModel, "--json"]);
            JsonElement error = JsonDocument.Parse(run.Error).RootElement.GetProperty("error");
            Assert.Equal((1, "", 1), (run.ExitCode, run.Out, error.GetProperty("exit_code").GetInt32()));
            Assert.Equal($"{Path.Combine(folder.Path, file)} is refused", error.GetProperty("message").GetString());
            Assert.Contains(field, error.GetProperty("fields")[0].GetProperty("field").GetString(), StringComparison.Ordinal);
        }
        CliRun served = await CliRun.RunAsync(null, "serve", "--model", SharedData.DefaultModel, "--adapter", $"factory={folder.Path}");
        Assert.Equal((1, ""), (served.ExitCode, served.Out));
        Assert.Contains($"{Path.Combine(folder.Path, file)} is refused", served.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServeFailsForARefusedAdapterAndFindsNoModelWhereNoneIs()
    {
        using var folder = new TemporaryFolder(SharedData.Require("adapters/peft/factory"));
        string[] serve = ["serve", "--listen", "http://127.0.0.1:0", "--model"];
        CliRun refused = await CliRun.RunAsync(null, [.. serve, SharedData.DefaultModel, "--adapter", $"x={Path.Combine(folder.Path, "adapter_model.safetensors")}"]);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Out));
        Assert.Contains("adapter 'x'", refused.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await CliRun.RunAsync(null, [.. serve, Path.Combine(folder.Path, "adapter_model.safetensors")])).ExitCode);
        Assert.Equal(4, (await CliRun.RunAsync(null, [.. serve, "/nowhere/x.gguf"])).ExitCode);
    }

    [Fact]
    public async Task MissingFilesAreNotFound()
    {
        Assert.Equal(4, (await CliRun.RunAsync(Nowhere, "models", "verify", "/nowhere/x.gguf")).ExitCode);
        Assert.Equal(4, (await CliRun.RunAsync(Nowhere, "adapters", "add", "x", "/nowhere/x.gguf")).ExitCode);
        Assert.Equal(4, (await CliRun.RunAsync(Nowhere, "adapters", "inspect", "/nowhere/peft")).ExitCode);
        Assert.Equal(4, (await CliRun.RunAsync(Nowhere, "adapters", "inspect", "nothing.gguf")).ExitCode);
        Assert.Equal(4, (await CliRun.RunAsync(Nowhere, "adapters", "inspect", Path.Combine(Adapters, "factory.gguf"), "--base", "/nowhere/x.gguf")).ExitCode);
        using var folder = new TemporaryFolder(SharedData.Require("adapters/peft/factory"));
        File.Delete(Path.Combine(folder.Path, "adapter_config.json"));
        Assert.Equal(4, (await CliRun.RunAsync(Nowhere, "adapters", "inspect", folder.Path, "--base", SharedData.DefaultModel)).ExitCode);
        Assert.Equal(4, (await CliRun.RunAsync(Nowhere, "chat", "x", "--messages", "/nowhere/x.json")).ExitCode);
    }

    [Theory]
    [InlineData("parallel", "serve", "--parallel", "0")]
    [InlineData("context", "serve", "--context", "5")]
    [InlineData("stall-timeout", "serve", "--stall-timeout", "nan")]
    [InlineData("device", "serve", "--device", "tpu")]
    [InlineData("--adapter: 'bank' is not NAME=PATH", "serve", "--adapter", "bank")]
    [InlineData("adapter bank: found no file", "serve", "--adapter", "bank=/nowhere.gguf")]
    [InlineData("listen", "serve", "--listen", "nonsense")]
    public async Task ServeRefusesOptionsByNameBeforeAnythingIsOpened(string expected, params string[] args)
    {
        CliRun run = await CliRun.RunAsync(null, args);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }
}
