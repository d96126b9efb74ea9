using System.Runtime.CompilerServices;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Recursive-descent parser for statements; the grammar is Jinja 3.1's with <c>break</c>, <c>continue</c> and <c>generation</c>.</summary>
internal sealed partial class Parser
{
    private readonly SourceText _source;
    private readonly List<Token> _tokens;
    private readonly Stack<string> _openTags = new();
    private int _at;

    private Parser(SourceText source)
    {
        _source = source;
        _tokens = Lexer.Tokenize(source);
    }

    private Token Current => _tokens[_at];

    public static IReadOnlyList<Statement> Parse(SourceText source)
    {
        var parser = new Parser(source);
        return parser.ParseBody([]);
    }

    /// <summary>Statements up to one of the end tags, which stays current, or the end of the template.</summary>
    private List<Statement> ParseBody(string[] endTags)
    {
        EnsureStack();
        var body = new List<Statement>();
        var parts = new List<Expression>();
        while (true)
        {
            var token = Current;
            switch (token.Kind)
            {
                case TokenKind.Data:
                    parts.Add(new DataNode(token.Text, token.Position));
                    _at++;
                    break;
                case TokenKind.VariableBegin:
                    _at++;
                    parts.Add(ParseTuple());
                    Expect(TokenKind.VariableEnd);
                    break;
                case TokenKind.BlockBegin:
                    Flush();
                    _at++;
                    if (Current.Kind == TokenKind.Name && Array.IndexOf(endTags, Current.Text) >= 0) return body;
                    body.Add(ParseStatement());
                    Expect(TokenKind.BlockEnd);
                    break;
                case TokenKind.End when endTags.Length > 0:
                    throw Fail($"Unexpected end of template. Jinja was looking for the following tags: {string.Join(" or ", endTags.Select(t => $"'{t}'"))}.{OpenTag()}");
                case TokenKind.End:
                    Flush();
                    return body;
                default:
                    throw Fail($"unexpected '{token.Describe()}'");
            }
        }

        void Flush()
        {
            if (parts.Count == 0) return;
            body.Add(new OutputNode([.. parts], parts[0].Position));
            parts.Clear();
        }
    }

    private Statement ParseStatement()
    {
        var tag = Current;
        if (tag.Kind != TokenKind.Name) throw Fail("tag name expected");
        _openTags.Push(tag.Text);
        _at++;
        Statement statement = tag.Text switch
        {
            "for" => ParseFor(tag.Position),
            "if" => ParseIf(tag.Position),
            "set" => ParseSet(tag.Position),
            "macro" => ParseMacro(tag.Position),
            "call" => ParseCallBlock(tag.Position),
            "filter" => new FilterBlockNode(ParseFilterChain(), ParseBlockBody("endfilter"), tag.Position),
            "with" => ParseWith(tag.Position),
            "print" => ParsePrint(tag.Position),
            "block" => ParseBlock(tag.Position),
            "autoescape" => new AutoEscapeNode(ParseExpression(), ParseBlockBody("endautoescape"), tag.Position),
            "generation" => new CallBlockNode(null, new MacroNode(null, [], [], ParseBlockBody("endgeneration"), tag.Position), tag.Position),
            "break" => new BreakNode(tag.Position),
            "continue" => new ContinueNode(tag.Position),
            "extends" => new LoaderNode("extends", ParseExpression(), [], tag.Position),
            "include" => ParseInclude(tag.Position),
            "import" => ParseImport(tag.Position),
            "from" => ParseFrom(tag.Position),
            _ => throw UnknownTag(tag),
        };
        _openTags.Pop();
        return statement;
    }

    private TemplateSyntaxException UnknownTag(Token tag)
    {
        _openTags.Pop();
        return _source.Error($"Encountered unknown tag '{tag.Text}'.{OpenTag()}", tag.Position);
    }

    private string OpenTag() => _openTags.TryPeek(out var tag) ? $" The innermost block that needs to be closed is '{tag}'." : "";

    /// <summary>The end of the opening tag, then the body; the end tag stays current.</summary>
    private List<Statement> ParseInner(params string[] endTags)
    {
        SkipOperator(":");
        Expect(TokenKind.BlockEnd);
        return ParseBody(endTags);
    }

    private List<Statement> ParseBlockBody(string endTag)
    {
        var body = ParseInner(endTag);
        _at++;
        return body;
    }

    private ForNode ParseFor(int position)
    {
        var target = ParseTarget(endName: "in");
        ExpectName("in");
        var iterable = ParseTuple(withConditional: false, endName: "recursive");
        var test = SkipName("if") ? ParseExpression() : null;
        var recursive = SkipName("recursive");
        var body = ParseInner("endfor", "else");
        IReadOnlyList<Statement> otherwise = [];
        if (Advance().Text == "else") otherwise = ParseBlockBody("endfor");
        return new ForNode(target, iterable, body, otherwise, test, recursive, position);
    }

    private IfNode ParseIf(int position)
    {
        var test = ParseTuple(withConditional: false);
        var body = ParseInner("elif", "else", "endif");
        var elseIfs = new List<IfNode>();
        IReadOnlyList<Statement> otherwise = [];
        while (true)
        {
            var tag = Advance();
            if (tag.Text == "elif")
            {
                var nextTest = ParseTuple(withConditional: false);
                elseIfs.Add(new IfNode(nextTest, ParseInner("elif", "else", "endif"), [], [], tag.Position));
                continue;
            }

            if (tag.Text == "else") otherwise = ParseBlockBody("endif");
            return new IfNode(test, body, elseIfs, otherwise, position);
        }
    }

    private Statement ParseSet(int position)
    {
        var target = ParseTarget(withNamespace: true);
        if (SkipOperator("=")) return new SetNode(target, ParseTuple(), position);
        var filter = Current.IsOperator("|") ? (FilterNode?)ParseFilters(null) : null;
        return new SetBlockNode(target, filter, ParseBlockBody("endset"), position);
    }

    private MacroNode ParseMacro(int position)
    {
        var name = ParseTargetName(NameUse.Store);
        var (parameters, defaults) = ParseSignature();
        return new MacroNode(name.Name, parameters, defaults, ParseBlockBody("endmacro"), position);
    }

    private CallBlockNode ParseCallBlock(int position)
    {
        (IReadOnlyList<NameNode> Parameters, IReadOnlyList<Expression> Defaults) signature = ([], []);
        if (Current.IsOperator("(")) signature = ParseSignature();
        if (ParseExpression() is not CallNode call) throw _source.Error("expected call", position);
        var caller = new MacroNode(null, signature.Parameters, signature.Defaults, ParseBlockBody("endcall"), position);
        return new CallBlockNode(call, caller, position);
    }

    private (IReadOnlyList<NameNode> Parameters, IReadOnlyList<Expression> Defaults) ParseSignature()
    {
        var parameters = new List<NameNode>();
        var defaults = new List<Expression>();
        ExpectOperator("(");
        while (!Current.IsOperator(")"))
        {
            if (parameters.Count > 0) ExpectOperator(",");
            var parameter = ParseTargetName(NameUse.Parameter);
            if (parameters.Any(p => p.Name == parameter.Name)) throw _source.Error($"duplicate argument '{parameter.Name}'", parameter.Position);
            if (SkipOperator("=")) defaults.Add(ParseExpression());
            else if (defaults.Count > 0) throw Fail("non-default argument follows default argument");
            parameters.Add(parameter);
        }

        ExpectOperator(")");
        return (parameters, defaults);
    }

    private WithNode ParseWith(int position)
    {
        var targets = new List<Expression>();
        var values = new List<Expression>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (targets.Count > 0) ExpectOperator(",");
            targets.Add(AsTarget(ParseTarget(), NameUse.Parameter));
            ExpectOperator("=");
            values.Add(ParseExpression());
        }

        return new WithNode(targets, values, ParseBlockBody("endwith"), position);
    }

    private OutputNode ParsePrint(int position)
    {
        var parts = new List<Expression>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (parts.Count > 0) ExpectOperator(",");
            parts.Add(ParseExpression());
        }

        return new OutputNode(parts, position);
    }

    private BlockNode ParseBlock(int position)
    {
        var name = Expect(TokenKind.Name).Text;
        var scoped = SkipName("scoped");
        var required = SkipName("required");
        if (Current.IsOperator("-")) throw Fail("Block names have to be valid identifiers and may not contain hyphens, use an underscore instead.");
        var body = ParseBlockBody("endblock");
        if (required && !body.TrueForAll(s => s is OutputNode o && o.Parts.All(p => p is DataNode d && d.Text.All(PythonText.IsSpace))))
        {
            throw Fail("Required blocks can only contain comments or whitespace");
        }

        SkipName(name);
        return new BlockNode(name, scoped, required, body, position);
    }

    private LoaderNode ParseInclude(int position)
    {
        var template = ParseExpression();
        if (Current.IsName("ignore") && Peek().IsName("missing")) _at += 2;
        SkipContext();
        return new LoaderNode("include", template, [], position);
    }

    private LoaderNode ParseImport(int position)
    {
        var template = ParseExpression();
        ExpectName("as");
        var name = ParseTargetName(NameUse.Store).Name;
        SkipContext();
        return new LoaderNode("import", template, [name], position);
    }

    private LoaderNode ParseFrom(int position)
    {
        var template = ParseExpression();
        ExpectName("import");
        var names = new List<string>();
        do
        {
            if (names.Count > 0) ExpectOperator(",");
            if (SkipContext()) break;
            var name = ParseTargetName(NameUse.Store);
            if (name.Name.StartsWith('_')) throw _source.Error("names starting with an underline can not be imported", name.Position);
            names.Add(SkipName("as") ? ParseTargetName(NameUse.Store).Name : name.Name);
        }
        while (!SkipContext() && Current.IsOperator(","));
        return new LoaderNode("from", template, names, position);
    }

    private bool SkipContext()
    {
        if (Current.Kind != TokenKind.Name || Current.Text is not ("with" or "without") || !Peek().IsName("context")) return false;
        _at += 2;
        return true;
    }

    private Token Peek() => _tokens[Math.Min(_at + 1, _tokens.Count - 1)];

    private Token Advance() => _tokens[_at++];

    private bool SkipName(string name)
    {
        if (!Current.IsName(name)) return false;
        _at++;
        return true;
    }

    private bool SkipOperator(string sign)
    {
        if (!Current.IsOperator(sign)) return false;
        _at++;
        return true;
    }

    private void ExpectName(string name)
    {
        if (!SkipName(name)) throw Unexpected(name);
    }

    private void ExpectOperator(string sign)
    {
        if (!SkipOperator(sign)) throw Unexpected(sign);
    }

    private Token Expect(TokenKind kind)
    {
        if (Current.Kind != kind) throw Unexpected(kind == TokenKind.Name ? "name" : new Token(kind, "", null, 0).Describe());
        return Advance();
    }

    private TemplateSyntaxException Unexpected(string expected) => Current.Kind == TokenKind.End
        ? Fail($"unexpected end of template, expected '{expected}'.")
        : Fail($"expected token '{expected}', got '{Current.Describe()}'");

    private TemplateSyntaxException Fail(string message) => _source.Error(message, Current.Position);

    private void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Fail("the template is nested too deeply");
    }
}
