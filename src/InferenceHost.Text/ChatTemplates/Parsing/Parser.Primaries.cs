namespace InferenceHost.Text.ChatTemplates;

/// <summary>Names, literals, tuples and targets of assignments.</summary>
internal sealed partial class Parser
{
    private Expression ParsePrimary(bool withNamespace = false)
    {
        EnsureStack();
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                _at++;
                if (token.Text is "true" or "True") return new ConstantNode(BoolValue.True, token.Position);
                if (token.Text is "false" or "False") return new ConstantNode(BoolValue.False, token.Position);
                if (token.Text is "none" or "None") return new ConstantNode(NoneValue.Instance, token.Position);
                if (!withNamespace || !SkipOperator(".")) return new NameNode(token.Text, NameUse.Load, token.Position);
                return new NamespaceTargetNode(token.Text, Expect(TokenKind.Name).Text, token.Position);
            case TokenKind.String:
                _at++;
                var text = token.Text;
                while (Current.Kind == TokenKind.String) text += Advance().Text;
                return new ConstantNode(StringValue.Template(text), token.Position);
            case TokenKind.Integer or TokenKind.Float:
                _at++;
                return new ConstantNode(token.Value!, token.Position);
            case TokenKind.Operator when token.Text == "(":
                _at++;
                var inner = ParseTuple(isParenthesised: true);
                ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return ParseList();
            case TokenKind.Operator when token.Text == "{":
                return ParseDict();
            default:
                throw Fail($"unexpected '{token.Describe()}'");
        }
    }

    /// <summary>One expression, or several with commas between or after them: a tuple.</summary>
    private Expression ParseTuple(bool isTarget = false, bool withConditional = true, string? endName = null, bool isParenthesised = false, bool withNamespace = false)
    {
        var position = Current.Position;
        var items = new List<Expression>();
        var isTuple = false;
        while (true)
        {
            if (items.Count > 0) ExpectOperator(",");
            if (Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || Current.IsOperator(")") || (endName is not null && Current.IsName(endName))) break;
            items.Add(isTarget ? ParsePrimary(withNamespace) : ParseExpression(withConditional));
            if (!Current.IsOperator(",")) break;
            isTuple = true;
        }

        if (isTuple) return new TupleNode(items, position);
        if (items.Count > 0) return items[0];
        if (!isParenthesised) throw Fail($"Expected an expression, got '{Current.Describe()}'");
        return new TupleNode([], position);
    }

    private ListNode ParseList()
    {
        var position = Advance().Position;
        var items = new List<Expression>();
        while (!Current.IsOperator("]"))
        {
            if (items.Count > 0) ExpectOperator(",");
            if (Current.IsOperator("]")) break;
            items.Add(ParseExpression());
        }

        ExpectOperator("]");
        return new ListNode(items, position);
    }

    private DictNode ParseDict()
    {
        var position = Advance().Position;
        var entries = new List<(Expression, Expression)>();
        while (!Current.IsOperator("}"))
        {
            if (entries.Count > 0) ExpectOperator(",");
            if (Current.IsOperator("}")) break;
            var key = ParseExpression();
            ExpectOperator(":");
            entries.Add((key, ParseExpression()));
        }

        ExpectOperator("}");
        return new DictNode(entries, position);
    }

    private NameNode ParseTargetName(NameUse use)
    {
        var token = Expect(TokenKind.Name);
        return (NameNode)AsTarget(new NameNode(token.Text, use, token.Position), use);
    }

    private Expression ParseTarget(string? endName = null, bool withNamespace = false) =>
        AsTarget(ParseTuple(isTarget: true, endName: endName, withNamespace: withNamespace), NameUse.Store);

    private Expression AsTarget(Expression node, NameUse use) => node switch
    {
        NameNode { Name: "true" or "false" or "none" or "True" or "False" or "None" } => throw _source.Error("can't assign to a constant", node.Position),
        NameNode name => name with { Use = use },
        NamespaceTargetNode => node,
        TupleNode tuple => tuple with { Items = [.. tuple.Items.Select(i => AsTarget(i, use))] },
        _ => throw _source.Error("can't assign to an expression", node.Position),
    };
}
