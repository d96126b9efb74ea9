namespace InferenceHost.Text.ChatTemplates;

/// <summary>What <c>groupby</c> yields: a pair whose parts are also called <c>grouper</c> and <c>list</c>.</summary>
internal sealed class GroupValue(Value grouper, ListValue list) : ListValue([grouper, list], isTuple: true)
{
    public Value Grouper => grouper;

    public ListValue List => list;
}
