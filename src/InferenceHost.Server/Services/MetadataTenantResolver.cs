using System.Globalization;
using Grpc.Core;
using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Services;

/// <summary>Takes the tenant from the metadata key <c>inferencehost-tenant</c>; whoever sends none is <c>default</c>.</summary>
internal sealed class MetadataTenantResolver : ITenantResolver
{
    /// <summary>The metadata key.</summary>
    public const string Key = "inferencehost-tenant";

    /// <summary>Tenant of calls that name none.</summary>
    public const string Default = "default";

    private const int MaxLength = 128;

    /// <inheritdoc/>
    public string Resolve(ServerCallContext context)
    {
        var values = context.GetHttpContext().Request.Headers[Key];
        if (values.Count == 0)
            return Default;
        var tenant = values.ToString();
        if (values.Count > 1)
            throw new RefusalException(Refusal.Field(Key, $"{values.Count} values", "one"));
        if (tenant.Length is 0 or > MaxLength)
            throw new RefusalException(Refusal.Field(Key, $"{tenant.Length.ToString(CultureInfo.InvariantCulture)} characters", $"1 .. {MaxLength}"));
        foreach (var character in tenant)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('.' or '_' or '-' or ':' or '@'))
                throw new RefusalException(Refusal.Field(Key, $"U+{(int)character:X4}", "letters, digits, '.', '_', '-', ':', '@'"));
        }
        return tenant;
    }
}
