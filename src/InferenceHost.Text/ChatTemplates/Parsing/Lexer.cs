namespace InferenceHost.Text.ChatTemplates;

/// <summary>Cuts a template into tokens under <c>trim_blocks</c> and <c>lstrip_blocks</c>, following the rules of Jinja's lexer one by one.</summary>
internal sealed class Lexer
{
    private readonly SourceText _source;
    private readonly string _text;
    private readonly List<Token> _tokens = [];
    private readonly Stack<char> _brackets = new();
    private int _at;

    // Whether the last match ended a line: only then may the white space before a block tag be dropped.
    private bool _lineStarting = true;

    private Lexer(SourceText source)
    {
        _source = source;
        _text = source.Text;
    }

    public static List<Token> Tokenize(SourceText source)
    {
        var lexer = new Lexer(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_at < _text.Length)
        {
            var tag = FindTag(_at);
            if (tag < 0)
            {
                AddData(_at, _text.Length);
                _at = _text.Length;
                break;
            }

            if (_text[tag + 1] == '%' && TryRaw(tag, out var sign, out var contentStart))
            {
                AddDataBeforeTag(tag, sign, isVariable: false);
                ReadRaw(contentStart);
                continue;
            }

            sign = tag + 2 < _text.Length && _text[tag + 2] is '-' or '+' ? _text[tag + 2] : '\0';
            AddDataBeforeTag(tag, sign, isVariable: _text[tag + 1] == '{');
            _at = tag + (sign == '\0' ? 2 : 3);
            _lineStarting = false;
            switch (_text[tag + 1])
            {
                case '#':
                    ReadComment(tag);
                    break;
                case '%':
                    Add(TokenKind.BlockBegin, tag);
                    ReadCode('%', TokenKind.BlockEnd);
                    break;
                default:
                    Add(TokenKind.VariableBegin, tag);
                    ReadCode('}', TokenKind.VariableEnd);
                    break;
            }
        }

        Add(TokenKind.End, _text.Length);
    }

    private int FindTag(int from)
    {
        while (true)
        {
            var brace = _text.IndexOf('{', from);
            if (brace < 0 || brace + 1 >= _text.Length) return -1;
            if (_text[brace + 1] is '{' or '%' or '#') return brace;
            from = brace + 1;
        }
    }

    /// <summary>Emits the text before a tag, less the white space that the tag or <c>lstrip_blocks</c> removes.</summary>
    private void AddDataBeforeTag(int tag, char sign, bool isVariable)
    {
        var end = tag;
        if (sign == '-')
        {
            while (end > _at && PythonText.IsSpace(_text[end - 1])) end--;
        }
        else if (sign != '+' && !isVariable)
        {
            var lineStart = tag;
            while (lineStart > _at && _text[lineStart - 1] != '\n') lineStart--;
            if ((lineStart > _at || _lineStarting) && IsAllSpace(lineStart, tag)) end = lineStart;
        }

        AddData(_at, end);
    }

    private bool IsAllSpace(int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            if (!PythonText.IsSpace(_text[i])) return false;
        }

        return true;
    }

    private bool TryRaw(int tag, out char sign, out int contentStart)
    {
        var i = tag + 2;
        sign = i < _text.Length && _text[i] is '-' or '+' ? _text[i++] : '\0';
        contentStart = 0;
        i = SkipSpace(i);
        if (!Matches(i, "raw")) return false;
        i = SkipSpace(i + 3);
        if (Matches(i, "-%}")) contentStart = SkipSpace(i + 3);
        else if (Matches(i, "%}")) contentStart = i + 2;
        return contentStart > 0;
    }

    private void ReadRaw(int start)
    {
        _lineStarting = _text[start - 1] == '\n';
        _at = start;
        for (var i = start; (i = _text.IndexOf("{%", i, StringComparison.Ordinal)) >= 0; i += 2)
        {
            var j = i + 2;
            var sign = j < _text.Length && _text[j] is '-' or '+' ? _text[j++] : '\0';
            j = SkipSpace(j);
            if (!Matches(j, "endraw")) continue;
            j = EndOfBlock(SkipSpace(j + 6));
            if (j < 0) continue;
            AddDataBeforeTag(i, sign, isVariable: false);
            _at = j;
            _lineStarting = _text[j - 1] == '\n';
            return;
        }

        // As in Jinja, only an unfinished block with content is an error.
        if (start < _text.Length) throw _source.Error("Missing end of raw directive", start);
    }

    private void ReadComment(int tag)
    {
        var end = _text.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0 && _at < _text.Length) throw _source.Error("Missing end of comment tag", tag);
        if (end < 0) return;
        var sign = end > _at ? _text[end - 1] : '\0';
        _at = sign switch
        {
            '-' => SkipSpace(end + 2),
            '+' => end + 2,
            _ => end + 2 < _text.Length && _text[end + 2] == '\n' ? end + 3 : end + 2,
        };
        _lineStarting = _text[_at - 1] == '\n';
    }

    /// <summary>The offset after <c>%}</c> with its sign and what it swallows, or -1.</summary>
    private int EndOfBlock(int i)
    {
        if (Matches(i, "+%}")) return i + 3;
        if (Matches(i, "-%}")) return SkipSpace(i + 3);
        if (!Matches(i, "%}")) return -1;
        return i + 2 < _text.Length && _text[i + 2] == '\n' ? i + 3 : i + 2;
    }

    private int EndOfVariable(int i) => Matches(i, "-}}") ? SkipSpace(i + 3) : Matches(i, "}}") ? i + 2 : -1;

    private void ReadCode(char closing, TokenKind endKind)
    {
        _brackets.Clear();
        while (_at < _text.Length)
        {
            if (_brackets.Count == 0)
            {
                var end = closing == '%' ? EndOfBlock(_at) : EndOfVariable(_at);
                if (end >= 0)
                {
                    Add(endKind, _at);
                    _at = end;
                    _lineStarting = _text[end - 1] == '\n';
                    return;
                }
            }

            ReadToken();
        }

        // Jinja lets the text end inside a tag; its parser then misses the end.
    }

    private void ReadToken()
    {
        var start = _at;
        var c = _text[start];
        if (PythonText.IsSpace(c))
        {
            _at = SkipSpace(start);
            return;
        }

        if (char.IsAsciiDigit(c))
        {
            var number = NumberScanner.Scan(_text, start, out var length);
            _tokens.Add(new Token(number is FloatValue ? TokenKind.Float : TokenKind.Integer, _text.Substring(start, length), number, start));
            _at = start + length;
        }
        else if (PythonText.IsWord(PythonText.PointAt(_text, start)))
        {
            ReadName(start);
        }
        else if (c is '\'' or '"')
        {
            ReadString(start, c);
        }
        else
        {
            ReadOperator(start);
        }
    }

    private void ReadName(int start)
    {
        var i = start;
        while (i < _text.Length && PythonText.PointAt(_text, i) is var point && (PythonText.IsWord(point) || PythonText.IsIdentifierPart(point)))
        {
            i += point > 0xFFFF ? 2 : 1;
        }

        var name = _text[start..i];
        if (!PythonText.IsIdentifier(name)) throw _source.Error("Invalid character in identifier", start);
        _tokens.Add(new Token(TokenKind.Name, name, null, start));
        _at = i;
    }

    private void ReadString(int start, char quote)
    {
        var i = start + 1;
        while (i < _text.Length && _text[i] != quote) i += _text[i] == '\\' ? 2 : 1;
        if (i >= _text.Length) throw _source.Error($"unexpected char '{quote}'", start);
        var content = StringEscapes.Unescape(_text.AsSpan(start + 1, i - start - 1), out var error);
        if (error is not null) throw _source.Error(error, start);
        _tokens.Add(new Token(TokenKind.String, content, null, start));
        _at = i + 1;
    }

    private void ReadOperator(int start)
    {
        var two = start + 1 < _text.Length ? _text.Substring(start, 2) : "";
        var sign = two is "**" or "//" or "==" or "!=" or ">=" or "<=" ? two : _text[start].ToString();
        if (sign.Length == 1 && !"+-*/%~[](){}><=.:|,;".Contains(sign, StringComparison.Ordinal)) throw _source.Error($"unexpected char '{sign}'", start);
        switch (sign[0])
        {
            case '(': _brackets.Push(')'); break;
            case '[': _brackets.Push(']'); break;
            case '{': _brackets.Push('}'); break;
            case ')' or ']' or '}':
                if (!_brackets.TryPop(out var expected)) throw _source.Error($"unexpected '{sign}'", start);
                if (expected != sign[0]) throw _source.Error($"unexpected '{sign}', expected '{expected}'", start);
                break;
        }

        _tokens.Add(new Token(TokenKind.Operator, sign, null, start));
        _at = start + sign.Length;
    }

    private int SkipSpace(int i)
    {
        while (i < _text.Length && PythonText.IsSpace(_text[i])) i++;
        return i;
    }

    private bool Matches(int i, string expected) => string.CompareOrdinal(_text, i, expected, 0, expected.Length) == 0 && i + expected.Length <= _text.Length;

    private void AddData(int start, int end)
    {
        if (end > start) _tokens.Add(new Token(TokenKind.Data, _text[start..end], null, start));
    }

    private void Add(TokenKind kind, int position) => _tokens.Add(new Token(kind, "", null, position));
}
