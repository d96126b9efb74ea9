using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Tests.Scripted;

namespace InferenceHost.Server.Tests.Hosting;

public sealed class ListenerTests
{
    [Fact]
    public async Task ReadyLineNamesTheRealPortAndWhatIsServed()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ListenHttp = "http://127.0.0.1:0" });
        Assert.Matches("^ready http://127\\.0\\.0\\.1:[1-9][0-9]* http=http://127\\.0\\.0\\.1:[1-9][0-9]* device=\"scripted device\" model=scripted context=4096 slots=32 ", server.Running.ReadyLine);
        Assert.NotEqual(server.Running.Endpoint, server.Running.HttpEndpoint);
    }

    [Fact]
    public async Task PortInUseIsAClearErrorAndLeavesNoEngineBehind()
    {
        await using var first = await TestServer.StartAsync();
        var launcher = new ScriptedLauncher(new Script());
        var seams = new ServerSeams { Launcher = launcher, Model = _ => new ServedModel("m", "/m"), Log = TextWriter.Null };
        var error = await Assert.ThrowsAsync<StartupException>(
            () => ServerStart.StartAsync(TestServer.DefaultOptions with { Listen = first.Running.Endpoint }, seams, CancellationToken.None));
        Assert.Equal(StartupException.ListenExitCode, error.ExitCode);
        Assert.Contains(first.Running.Endpoint, error.Message, StringComparison.Ordinal);
        Assert.Contains("--listen", error.Remedy, StringComparison.Ordinal);
        await (await launcher.NextAsync()).Exited.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task UnixSocketServesToo()
    {
        var folder = Directory.CreateTempSubdirectory("ih-test-");
        try
        {
            var path = Path.Combine(folder.FullName, "grpc.sock");
            await using var server = await TestServer.StartAsync(configure: o => o with { Listen = "http://127.0.0.1:0", ListenHttp = "unix:" + path });
            using var handler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellation) =>
                {
                    var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
                    await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(path), cancellation);
                    return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
                },
            };
            using var http = new HttpClient(handler) { BaseAddress = new Uri("http://localhost") };
            Assert.Equal("serving", (await http.GetFromJsonAsync<JsonElement>("/v1/stats")).GetProperty("state").GetString());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("http://127.0.0.1:70000")]
    [InlineData("https://127.0.0.1:443")]
    [InlineData("ftp://127.0.0.1:21")]
    [InlineData("127.0.0.1:50051")]
    [InlineData("http://example.com:50051")]
    [InlineData("http://127.0.0.1:50051/path")]
    [InlineData("unix:relative")]
    [InlineData("")]
    public void AddressThatCannotBeListenedOnIsNamed(string listen)
    {
        var error = Assert.Throws<StartupException>(() => (TestServer.DefaultOptions with { Listen = listen }).Validate());
        Assert.Equal(StartupException.UsageExitCode, error.ExitCode);
        Assert.Contains($"listen: found '{listen}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AllOptionsOutOfRangeAreNamedAtOnce()
    {
        var options = TestServer.DefaultOptions with
        {
            Device = "tpu",
            Parallel = 0,
            ContextTokens = -1,
            Threads = 5000,
            CacheTypeV = "f64",
            AdapterType = "q4_0",
            SwapMemoryBytes = -1,
            StallTimeout = TimeSpan.Zero,
            MaxReceiveMessageBytes = 1,
            Adapters = [new AdapterSource("bad name", "/nowhere")],
        };
        var error = Assert.Throws<StartupException>(options.Validate);
        foreach (var part in (string[])["device: found 'tpu'", "parallel: found 0, allowed 1 .. 256", "context: found -1", "threads: found 5000", "cache-type-v: found 'f64'", "adapter-type: found 'q4_0', allowed q8_0, f16", "swap-memory: found -1",
                     "stall-timeout: found 0", "max-receive-message: found 1", "adapter: found the name 'bad name'", "no file at '/nowhere'"])
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task PlainHttpStreamsJson()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ListenHttp = "http://127.0.0.1:0" });
        using var http = new HttpClient { BaseAddress = new Uri(server.Running.HttpEndpoint!) };
        using var body = new StringContent("""{"prompt": "echo hi", "temperature": 0}""", Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri("/v1/generate", UriKind.Relative), body);
        response.EnsureSuccessStatusCode();
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var messages = lines.Select(l => JsonParser.Default.Parse<GenerateResponse>(l)).ToList();
        Assert.Equal("hi", messages.Text());
        Assert.Equal(FinishReason.Stop, messages[^1].FinishReason);
    }

    [Fact]
    public async Task PlainHttpErrorsCarryTheDetails()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ListenHttp = "http://127.0.0.1:0" });
        using var http = new HttpClient { BaseAddress = new Uri(server.Running.HttpEndpoint!) };
        using var response = await http.PostAsJsonAsync(new Uri("/v1/generate", UriKind.Relative), new { prompt = "x", top_k = -1 });
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = await response.Content.ReadAsStringAsync();
        Assert.Contains("top_k", error, StringComparison.Ordinal);
        Assert.Contains("INVALID_FIELD", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HalfASurrogatePairInJsonIsRefused()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { ListenHttp = "http://127.0.0.1:0" });
        using var http = new HttpClient { BaseAddress = new Uri(server.Running.HttpEndpoint!) };
        using var body = new StringContent("""{"text": "a\ud800b"}""", Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri("/v1/tokenize", UriKind.Relative), body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ReflectionListsTheServicesWhereItIsOn(bool on)
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { Reflection = on });
        using var call = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo();
        if (!on)
        {
            // The refusal does not wait for a message: the write meets it, or the read does.
            var error = await ListAsync(call).FailureAsync();
            Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
            return;
        }
        Assert.True(await ListAsync(call));
        var names = call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name).ToList();
        Assert.Contains("inferencehost.v1.Inference", names);
        Assert.Contains("grpc.health.v1.Health", names);
        await call.RequestStream.CompleteAsync();
    }

    private static async Task<bool> ListAsync(AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse> call)
    {
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        return await call.ResponseStream.MoveNext(CancellationToken.None);
    }

    [Fact]
    public async Task ReflectionVersion1IsServed()
    {
        await using var server = await TestServer.StartAsync();
        // The messages of v1 and v1alpha are the same; only the service's name differs.
        var marshaller = Marshallers.Create<byte[]>(r => r, b => b);
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, "grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", marshaller, marshaller);
        using var call = server.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, null, default);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = "inferencehost.v1.Inference" }.ToByteArray());
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        var files = ServerReflectionResponse.Parser.ParseFrom(call.ResponseStream.Current).FileDescriptorResponse.FileDescriptorProto.Select(FileDescriptorProto.Parser.ParseFrom);
        Assert.Contains(files, f => f.Service.Any(s => s.Name == "Inference"));
        await call.RequestStream.CompleteAsync();
    }

    [Fact]
    public async Task HealthOfAnUnknownServiceIsNotFound()
    {
        await using var server = await TestServer.StartAsync();
        var error = await new Health.HealthClient(server.Channel).CheckAsync(new HealthCheckRequest { Service = "nobody" }).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
        error.Info();
    }

    [Fact]
    public async Task ThousandCallsAtOnceOnOneConnectionAllSucceed()
    {
        await using var server = await TestServer.StartAsync();
        var calls = Enumerable.Range(0, 1000).Select(i => server.Inference.TokenizeAsync(new TokenizeRequest { Text = i.ToString("D4") }).ResponseAsync);
        var answers = await Task.WhenAll(calls);
        for (var i = 0; i < answers.Length; i++)
            Assert.Equal(i.ToString("D4").Select(c => (int)c).Prepend(1), answers[i].TokenIds);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnswersAreCompressedForTheClientThatCompresses(bool compress)
    {
        await using var server = await TestServer.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(server.Running.Endpoint) };
        var message = new GenerateRequest { Prompt = "echo x" }.ToByteArray();
        if (compress)
        {
            using var zipped = new MemoryStream();
            using (var gzip = new System.IO.Compression.GZipStream(zipped, System.IO.Compression.CompressionLevel.Fastest))
                gzip.Write(message);
            message = zipped.ToArray();
        }
        var frame = new byte[5 + message.Length];
        frame[0] = compress ? (byte)1 : (byte)0;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/inferencehost.v1.Inference/Generate")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.Add("te", "trailers");
        request.Headers.Add("grpc-accept-encoding", "identity,gzip");
        if (compress)
            request.Headers.Add("grpc-encoding", "gzip");
        using var response = await http.SendAsync(request);
        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal(compress, response.Headers.TryGetValues("grpc-encoding", out var encoding) && encoding.Single() == "gzip");
        Assert.Equal(compress ? 1 : 0, body[0]);
    }

    [Fact]
    public async Task DetokenizeRoundsTrip()
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.Inference.DetokenizeAsync(new DetokenizeRequest { TokenIds = { 'o', 'k' } });
        Assert.Equal("ok", answer.Text);
        var error = await server.Inference.DetokenizeAsync(new DetokenizeRequest { TokenIds = { 1000 } }).ResponseAsync.FailureAsync();
        Assert.Equal(["token_ids[0]: found 1000, allowed 0 .. 999"], error.Fields());
    }

    [Fact]
    public async Task LogStaysEmptyAndNeverHoldsAPrompt()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { Verbose = true });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "echo a secret word" });
        await call.ReadAllAsync();
        using var bad = server.Inference.Generate(new GenerateRequest { Prompt = "another secret", TopK = -1 });
        await bad.ReadAllAsync().FailureAsync();
        Assert.DoesNotContain("secret", server.Log, StringComparison.Ordinal);
        Assert.Contains("Serving 'scripted'", server.Log, StringComparison.Ordinal);
    }
}
