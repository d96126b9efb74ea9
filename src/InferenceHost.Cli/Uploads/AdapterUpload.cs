using Google.Protobuf;
using Grpc.Core;
using InferenceHost.Cli.Client;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Uploads;

/// <summary>Sends a GGUF LoRA file to the server.</summary>
internal static class AdapterUpload
{
    // Big enough to be cheap, small enough for a smooth bar; the server accepts up to 1 MiB.
    private const int ChunkBytes = 256 * 1024;

    /// <summary>Uploads the file at <paramref name="path"/> as <paramref name="header"/> says and waits until the server has checked it.</summary>
    /// <exception cref="RpcException">The server refused it.</exception>
    public static async Task<AdapterInfo> SendAsync(
        ServerConnection server, PutAdapterHeader header, string path, IProgress<(string, double)> progress, CancellationToken cancellationToken)
    {
        await using FileStream file = Open(path);
        using AsyncClientStreamingCall<PutAdapterRequest, AdapterInfo> call = server.Adapters.Put(server.Call(cancellationToken));
        try
        {
            await call.RequestStream.WriteAsync(new PutAdapterRequest { Header = header }, cancellationToken).ConfigureAwait(false);
            byte[] buffer = new byte[ChunkBytes];
            int read;
            for (long done = 0; (read = await file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                await call.RequestStream.WriteAsync(new PutAdapterRequest { Chunk = ByteString.CopyFrom(buffer, 0, read) }, cancellationToken).ConfigureAwait(false);
                done += read;
                progress.Report(("uploading", Part(done, file.Length)));
            }
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is InvalidOperationException or RpcException)
        {
            // The server answered before it had read everything: its answer below says why.
        }
        AdapterInfo info = await call.ResponseAsync.ConfigureAwait(false);
        progress.Report(("checked by the server", 1));
        return info;
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);

    private static double Part(long done, long all) => all == 0 ? 1 : (double)done / all;
}
