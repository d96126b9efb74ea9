using Grpc.Core;
using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Services;

/// <summary>Says whose call it is. The one seam where authentication and tenancy come in.</summary>
internal interface ITenantResolver
{
    /// <summary>The tenant of a call.</summary>
    /// <exception cref="RefusalException">The call does not say it properly.</exception>
    string Resolve(ServerCallContext context);
}
