using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using AdaptersClient = InferenceHost.Protocol.V1.Adapters.AdaptersClient;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>Uploads of adapters in chunks.</summary>
internal static class AdapterUploads
{
    public static Task<AdapterInfo> PutAsync(AdaptersClient client, string name, byte[] file, string? sha256 = null, string? expected = null)
    {
        var header = new PutAdapterHeader { Name = name, FileBytes = file.Length, Sha256 = sha256 ?? "" };
        if (expected is not null)
            header.ExpectedSha256 = expected;
        return PutAsync(client, header, file);
    }

    public static async Task<AdapterInfo> PutAsync(AdaptersClient client, PutAdapterHeader header, byte[] file)
    {
        using var call = client.Put();
        try
        {
            await call.RequestStream.WriteAsync(new PutAdapterRequest { Header = header });
            for (var at = 0; at < file.Length; at += 50_000)
                await call.RequestStream.WriteAsync(new PutAdapterRequest { Chunk = ByteString.CopyFrom(file.AsSpan(at, Math.Min(50_000, file.Length - at))) });
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // Refused before everything was sent: the response says why.
        }
        return await call;
    }

    public static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
