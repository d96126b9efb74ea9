using Google.Rpc;
using Grpc.Core;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>Reads the google.rpc details of a failed call.</summary>
internal static class Details
{
    /// <summary>ErrorInfo, which every error has.</summary>
    public static ErrorInfo Info(this RpcException error)
    {
        var info = error.GetRpcStatus()?.GetDetail<ErrorInfo>();
        Assert.NotNull(info);
        Assert.Equal("inferencehost", info.Domain);
        return info;
    }

    /// <summary>The violations of a BadRequest, as <c>field: description</c>.</summary>
    public static IReadOnlyList<string> Fields(this RpcException error)
    {
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        error.Info();
        return [.. error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(v => $"{v.Field}: {v.Description}")];
    }

    /// <summary>Milliseconds after which to try again, the same in RetryInfo and in the pushback trailer.</summary>
    public static double RetryMs(this RpcException error)
    {
        var delay = error.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan().TotalMilliseconds;
        Assert.Equal(delay, double.Parse(error.Trailers.GetValue("grpc-retry-pushback-ms")!, System.Globalization.CultureInfo.InvariantCulture));
        return delay;
    }
}
