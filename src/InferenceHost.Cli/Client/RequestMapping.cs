using Google.Protobuf.Reflection;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Client;

/// <summary>Requests that share fields.</summary>
internal static class RequestMapping
{
    /// <summary>A chat request with the sampling fields of <paramref name="source"/>: both messages give them the same names and types.</summary>
    public static ChatRequest ToChatRequest(this GenerateRequest source)
    {
        var target = new ChatRequest();
        foreach (FieldDescriptor to in ChatRequest.Descriptor.Fields.InDeclarationOrder())
        {
            if (GenerateRequest.Descriptor.FindFieldByName(to.Name) is not { } from)
                continue;
            if (to.IsMap)
                target.LogitBias.Add(source.LogitBias);
            else if (to.IsRepeated)
                CopyList((System.Collections.IList)from.Accessor.GetValue(source), (System.Collections.IList)to.Accessor.GetValue(target));
            else if (!from.HasPresence || from.Accessor.HasValue(source))
                to.Accessor.SetValue(target, from.Accessor.GetValue(source));
        }
        return target;
    }

    private static void CopyList(System.Collections.IList from, System.Collections.IList to)
    {
        foreach (object? item in from)
            to.Add(item);
    }
}
