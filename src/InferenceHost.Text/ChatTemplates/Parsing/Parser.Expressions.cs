namespace InferenceHost.Text.ChatTemplates;

/// <summary>Expressions, from the loosest binding to the tightest.</summary>
internal sealed partial class Parser
{
    private Expression ParseExpression(bool withConditional = true) => withConditional ? ParseConditional() : ParseOr();

    private Expression ParseConditional()
    {
        EnsureStack();
        var position = Current.Position;
        var expression = ParseOr();
        while (SkipName("if"))
        {
            var test = ParseOr();
            var otherwise = SkipName("else") ? ParseConditional() : null;
            expression = new ConditionalNode(test, expression, otherwise, position);
            position = Current.Position;
        }

        return expression;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (Current.IsName("or"))
        {
            var position = Advance().Position;
            left = new LogicNode(false, left, ParseAnd(), position);
        }

        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (Current.IsName("and"))
        {
            var position = Advance().Position;
            left = new LogicNode(true, left, ParseNot(), position);
        }

        return left;
    }

    private Expression ParseNot()
    {
        if (!Current.IsName("not")) return ParseCompare();
        EnsureStack();
        var position = Advance().Position;
        return new UnaryNode("not", ParseNot(), position);
    }

    private Expression ParseCompare()
    {
        var position = Current.Position;
        var first = ParseSum();
        List<(string, Expression)>? rest = null;
        while (true)
        {
            string sign;
            if (Current.Kind == TokenKind.Operator && Current.Text is "==" or "!=" or "<" or "<=" or ">" or ">=") sign = Advance().Text;
            else if (SkipName("in")) sign = "in";
            else if (Current.IsName("not") && Peek().IsName("in"))
            {
                _at += 2;
                sign = "not in";
            }
            else break;
            (rest ??= []).Add((sign, ParseSum()));
        }

        return rest is null ? first : new CompareNode(first, rest, position);
    }

    private Expression ParseSum()
    {
        var left = ParseConcat();
        while (Current.Kind == TokenKind.Operator && Current.Text is "+" or "-")
        {
            var sign = Advance();
            left = new BinaryNode(sign.Text, left, ParseConcat(), sign.Position);
        }

        return left;
    }

    private Expression ParseConcat()
    {
        var position = Current.Position;
        var first = ParseProduct();
        if (!Current.IsOperator("~")) return first;
        var parts = new List<Expression> { first };
        while (SkipOperator("~")) parts.Add(ParseProduct());
        return new ConcatNode(parts, position);
    }

    private Expression ParseProduct()
    {
        var left = ParsePower();
        while (Current.Kind == TokenKind.Operator && Current.Text is "*" or "/" or "//" or "%")
        {
            var sign = Advance();
            left = new BinaryNode(sign.Text, left, ParsePower(), sign.Position);
        }

        return left;
    }

    // Left-associative, and a sign binds tighter: both differ from Python and are Jinja's.
    private Expression ParsePower()
    {
        var left = ParseUnary();
        while (Current.IsOperator("**"))
        {
            var sign = Advance();
            left = new BinaryNode("**", left, ParseUnary(), sign.Position);
        }

        return left;
    }

    private Expression ParseUnary(bool withFilter = true)
    {
        EnsureStack();
        Expression node;
        if (Current.Kind == TokenKind.Operator && Current.Text is "-" or "+")
        {
            var sign = Advance();
            node = new UnaryNode(sign.Text, ParseUnary(withFilter: false), sign.Position);
        }
        else
        {
            node = ParsePrimary();
        }

        node = ParsePostfix(node);
        return withFilter ? ParseFiltersAndTests(node) : node;
    }

    private Expression ParsePostfix(Expression node)
    {
        while (Current.Kind == TokenKind.Operator)
        {
            switch (Current.Text)
            {
                case ".": node = ParseAttribute(node); break;
                case "[": node = ParseSubscript(node); break;
                case "(": node = ParseCall(node); break;
                default: return node;
            }
        }

        return node;
    }

    private Expression ParseFiltersAndTests(Expression node)
    {
        while (true)
        {
            if (Current.IsOperator("|")) node = ParseFilters(node)!;
            else if (Current.IsName("is")) node = ParseTest(node);
            else if (Current.IsOperator("(")) node = ParseCall(node);
            else return node;
        }
    }

    private Expression ParseAttribute(Expression owner)
    {
        var position = Advance().Position;
        var token = Advance();
        return token.Kind switch
        {
            TokenKind.Name => new AttributeNode(owner, token.Text, position),
            TokenKind.Integer => new ItemNode(owner, new ConstantNode(token.Value!, token.Position), position),
            _ => throw _source.Error("expected name or number", token.Position),
        };
    }

    private ItemNode ParseSubscript(Expression owner)
    {
        var position = Advance().Position;
        var keys = new List<Expression>();
        while (!Current.IsOperator("]"))
        {
            if (keys.Count > 0) ExpectOperator(",");
            keys.Add(ParseKey());
        }

        ExpectOperator("]");
        return new ItemNode(owner, keys.Count == 1 ? keys[0] : new TupleNode(keys, position), position);
    }

    private Expression ParseKey()
    {
        var position = Current.Position;
        Expression? start = null;
        if (!Current.IsOperator(":"))
        {
            start = ParseExpression();
            if (!Current.IsOperator(":")) return start;
        }

        _at++;
        var stop = ParseBound();
        var step = SkipOperator(":") ? ParseBound() : null;
        return new SliceNode(start, stop, step, position);

        Expression? ParseBound() => Current.Kind == TokenKind.Operator && Current.Text is ":" or "]" or "," ? null : ParseExpression();
    }

    private CallNode ParseCall(Expression callee)
    {
        var position = Current.Position;
        return new CallNode(callee, ParseArguments(), position);
    }

    private ArgumentList ParseArguments()
    {
        var open = Advance();
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? star = null;
        Expression? starStar = null;
        var needsComma = false;
        while (!Current.IsOperator(")"))
        {
            if (needsComma)
            {
                ExpectOperator(",");
                if (Current.IsOperator(")")) break;
            }

            needsComma = true;
            if (Current.IsOperator("*"))
            {
                Ensure(star is null && starStar is null);
                _at++;
                star = ParseExpression();
            }
            else if (Current.IsOperator("**"))
            {
                Ensure(starStar is null);
                _at++;
                starStar = ParseExpression();
            }
            else if (Current.Kind == TokenKind.Name && Peek().IsOperator("="))
            {
                Ensure(starStar is null);
                var name = Advance();
                _at++;
                if (named.Any(n => n.Item1 == name.Text)) throw _source.Error($"keyword argument repeated: {name.Text}", name.Position);
                named.Add((name.Text, ParseExpression()));
            }
            else
            {
                Ensure(star is null && starStar is null && named.Count == 0);
                positional.Add(ParseExpression());
            }
        }

        ExpectOperator(")");
        return new ArgumentList(positional, named, star, starStar);

        void Ensure(bool isValid)
        {
            if (!isValid) throw _source.Error("invalid syntax for function call expression", open.Position);
        }
    }

    /// <summary>The filters of a filter block, whose first has no input and no bar.</summary>
    private FilterNode ParseFilterChain() => ParseFilters(ParseFilter(null))!;

    private FilterNode? ParseFilters(FilterNode? node) => (FilterNode?)ParseFilters((Expression?)node);

    private Expression? ParseFilters(Expression? node)
    {
        while (SkipOperator("|")) node = ParseFilter(node);
        return node;
    }

    private FilterNode ParseFilter(Expression? input)
    {
        var position = Current.Position;
        var name = ParseDottedName();
        return new FilterNode(input, name, Current.IsOperator("(") ? ParseArguments() : ArgumentList.Empty, position);
    }

    private string ParseDottedName()
    {
        var name = Expect(TokenKind.Name).Text;
        while (SkipOperator(".")) name += "." + Expect(TokenKind.Name).Text;
        return name;
    }

    private Expression ParseTest(Expression input)
    {
        var position = Advance().Position;
        var negated = SkipName("not");
        var name = ParseDottedName();
        var arguments = ArgumentList.Empty;
        if (Current.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (Current.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float || Current.IsOperator("[") || Current.IsOperator("{")
            || (Current.Kind == TokenKind.Name && Current.Text is not ("else" or "or" or "and")))
        {
            if (Current.IsName("is")) throw Fail("You cannot chain multiple tests with is");
            arguments = new ArgumentList([ParsePostfix(ParsePrimary())], [], null, null);
        }

        var test = new TestNode(input, name, arguments, position);
        return negated ? new UnaryNode("not", test, position) : test;
    }
}
