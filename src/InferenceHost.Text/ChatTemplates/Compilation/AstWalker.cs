namespace InferenceHost.Text.ChatTemplates;

/// <summary>Children of syntax nodes, in the order in which Jinja's visitors see them (the order decides some scoping questions).</summary>
internal static class AstWalker
{
    public static IEnumerable<Node> Children(Node node) => node switch
    {
        OutputNode n => n.Parts,
        ForNode n => [n.Target, n.Iterable, .. n.Body, .. n.Else, .. Optional(n.Test)],
        IfNode n => [n.Test, .. n.Body, .. n.ElseIfs, .. n.Else],
        MacroNode n => [.. n.Parameters, .. n.Defaults, .. n.Body],
        CallBlockNode n => [.. Optional(n.Call), .. Children(n.Caller)],
        FilterBlockNode n => [.. n.Body, n.Filter],
        WithNode n => [.. n.Targets, .. n.Values, .. n.Body],
        BlockNode n => n.Body,
        AutoEscapeNode n => [n.Option, .. n.Body],
        SetNode n => [n.Target, n.Value],
        SetBlockNode n => [n.Target, .. Optional(n.Filter), .. n.Body],
        LoaderNode n => [n.Template],
        TupleNode n => n.Items,
        ListNode n => n.Items,
        DictNode n => n.Entries.SelectMany(e => new Node[] { e.Key, e.Value }),
        ConditionalNode n => [n.Test, n.Then, .. Optional(n.Else)],
        BinaryNode n => [n.Left, n.Right],
        LogicNode n => [n.Left, n.Right],
        UnaryNode n => [n.Operand],
        ConcatNode n => n.Parts,
        CompareNode n => [n.First, .. n.Rest.Select(r => r.Operand)],
        AttributeNode n => [n.Owner],
        ItemNode n => [n.Owner, n.Key],
        SliceNode n => [.. Optional(n.Start), .. Optional(n.Stop), .. Optional(n.Step)],
        CallNode n => [n.Callee, .. Of(n.Arguments)],
        FilterNode n => [.. Optional(n.Input), .. Of(n.Arguments)],
        TestNode n => [n.Input, .. Of(n.Arguments)],
        _ => [],
    };

    /// <summary>All nodes below the given ones, and themselves, in order; iterative, so depth does not matter.</summary>
    public static IEnumerable<Node> Descendants(IEnumerable<Node> nodes)
    {
        var pending = new Stack<Node>(nodes.Reverse());
        while (pending.TryPop(out var node))
        {
            yield return node;
            foreach (var child in Children(node).Reverse()) pending.Push(child);
        }
    }

    /// <summary>Which of the names are read before they are assigned, not looking into blocks.</summary>
    public static HashSet<string> Undeclared(IEnumerable<Node> nodes, params string[] names)
    {
        var open = new HashSet<string>(names);
        var undeclared = new HashSet<string>();
        var pending = new Stack<Node>(nodes.Reverse());
        while (open.Count > 0 && pending.TryPop(out var node))
        {
            if (node is BlockNode) continue;
            if (node is NameNode name)
            {
                if (name.Use == NameUse.Load && open.Contains(name.Name)) undeclared.Add(name.Name);
                else open.Remove(name.Name);
                if (undeclared.SetEquals(open)) break;
            }

            foreach (var child in Children(node).Reverse()) pending.Push(child);
        }

        return undeclared;
    }

    private static IEnumerable<Node> Of(ArgumentList arguments) =>
        [.. arguments.Positional, .. arguments.Named.Select(n => n.Value), .. Optional(arguments.Star), .. Optional(arguments.StarStar)];

    private static Node[] Optional(Node? node) => node is null ? [] : [node];
}
