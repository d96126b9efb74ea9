using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using InferenceHost.Cli.Tests.Fakes;
using Spectre.Console.Testing;

namespace InferenceHost.Cli.Tests.Commands;

public sealed class ErrorTests
{
    [Fact]
    public async Task FieldAndNumbersOfARefusalAreShown()
    {
        await using FakeServer server = await FakeServer.StartAsync(new Script { Failure = TooLong() });
        CliRun run = await server.RunAsync("generate", "p");
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Equal(
            "error: the prompt does not fit (INVALID_ARGUMENT, PROMPT_TOO_LONG)\n  prompt: 9000 tokens, allowed are 8192\n  allowed = 8192, found = 9000\n",
            run.Error);
    }

    [Fact]
    public async Task JsonErrorsCarryTheSame()
    {
        await using FakeServer server = await FakeServer.StartAsync(new Script { Failure = TooLong() });
        CliRun run = await server.RunAsync("generate", "p", "--json");
        JsonElement error = JsonDocument.Parse(run.Error).RootElement.GetProperty("error");
        Assert.Equal("INVALID_ARGUMENT", error.GetProperty("status").GetString());
        Assert.Equal("PROMPT_TOO_LONG", error.GetProperty("reason").GetString());
        Assert.Equal("prompt", error.GetProperty("fields")[0].GetProperty("field").GetString());
        Assert.Equal("9000", error.GetProperty("metadata").GetProperty("found").GetString());
        Assert.Equal(2, error.GetProperty("exit_code").GetInt32());
    }

    [Fact]
    public async Task RetryHintIsShown()
    {
        RpcException failure = new Google.Rpc.Status
        {
            Code = (int)Code.ResourceExhausted,
            Message = "the queue is full",
            Details = { Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(250)) }) },
        }.ToRpcException();
        await using FakeServer server = await FakeServer.StartAsync(new Script { Failure = failure });
        CliRun run = await server.RunAsync("generate", "p");
        Assert.Equal(6, run.ExitCode);
        Assert.Contains("try again in 250 ms", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument, 2)]
    [InlineData(StatusCode.OutOfRange, 2)]
    [InlineData(StatusCode.Unavailable, 3)]
    [InlineData(StatusCode.NotFound, 4)]
    [InlineData(StatusCode.FailedPrecondition, 5)]
    [InlineData(StatusCode.AlreadyExists, 5)]
    [InlineData(StatusCode.Aborted, 5)]
    [InlineData(StatusCode.ResourceExhausted, 6)]
    [InlineData(StatusCode.Internal, 1)]
    [InlineData(StatusCode.Unimplemented, 1)]
    [InlineData(StatusCode.PermissionDenied, 1)]
    public async Task EveryStatusHasItsExitCode(StatusCode status, int exitCode)
    {
        await using FakeServer server = await FakeServer.StartAsync(new Script { Failure = new RpcException(new Grpc.Core.Status(status, "because")) });
        CliRun run = await server.RunAsync("models", "list");
        Assert.Equal(exitCode, run.ExitCode);
        Assert.StartsWith("error: because (", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutAServerTheNextStepIsNamed()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        Uri gone = server.Endpoint;
        await server.DisposeAsync();
        CliRun run = await CliRun.RunAsync(gone, "status");
        Assert.Equal(3, run.ExitCode);
        Assert.Contains($"no server answers at {gone.GetLeftPart(UriPartial.Authority)}", run.Error, StringComparison.Ordinal);
        Assert.Contains("inferencehost serve", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DetailsThatCannotBeReadDoNotHideTheError()
    {
        var trailers = new Metadata { { "grpc-status-details-bin", [0xff, 0xff, 0xff] } };
        await using FakeServer server = await FakeServer.StartAsync(new Script { Failure = new RpcException(new Grpc.Core.Status(StatusCode.Internal, "broken"), trailers) });
        CliRun run = await server.RunAsync("status");
        Assert.Equal((1, "error: broken (INTERNAL)\n"), (run.ExitCode, run.Error));
    }

    [Theory]
    [InlineData(false, "error: ArithmeticException: a defect\n")]
    [InlineData(true, "{\"error\":{\"message\":\"ArithmeticException: a defect\",\"exit_code\":1}}\n")]
    public async Task WhatNobodyExpectsIsOneErrorInTheFormThatWasAskedFor(bool json, string expected)
    {
        using var error = new StringWriter { NewLine = "\n" };
        using var console = new TestConsole();
        var cli = new CliContext
        {
            In = TextReader.Null,
            Out = TextWriter.Null,
            Error = error,
            Ansi = console,
            AnsiError = console,
            Environment = _ => throw new ArithmeticException("a defect"),
        };
        Assert.Equal(1, await CommandLine.RunAsync(["status", .. json ? ["--json"] : Array.Empty<string>()], cli, TestContext.Current.CancellationToken));
        Assert.Equal(expected, error.ToString());
    }

    private static RpcException TooLong() => new Google.Rpc.Status
    {
        Code = (int)Code.InvalidArgument,
        Message = "the prompt does not fit",
        Details =
        {
            Any.Pack(new ErrorInfo { Reason = "PROMPT_TOO_LONG", Domain = "inferencehost", Metadata = { ["found"] = "9000", ["allowed"] = "8192" } }),
            Any.Pack(new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = "prompt", Description = "9000 tokens, allowed are 8192" } } }),
        },
    }.ToRpcException();
}
