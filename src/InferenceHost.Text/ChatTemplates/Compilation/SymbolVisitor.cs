using System.Runtime.CompilerServices;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Collects the names of a scope: everything in its statements, but not what lies inside nested scopes.</summary>
internal sealed class SymbolVisitor(SourceText source, Symbols symbols)
{
    private Symbols _symbols = symbols;

    public void VisitAll(IEnumerable<Node> nodes)
    {
        foreach (var node in nodes) Visit(node);
    }

    /// <summary>Names in a loop target: always variables of the loop.</summary>
    public void DeclareTarget(Node target)
    {
        if (target is NameNode name) _symbols.Declare(name.Name);
        else foreach (var child in AstWalker.Children(target)) DeclareTarget(child);
    }

    public void Visit(Node node)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw source.Error("the template is nested too deeply", node.Position);
        switch (node)
        {
            case NameNode { Use: NameUse.Load } name: _symbols.Load(name.Name); break;
            case NameNode { Use: NameUse.Store } name: _symbols.Store(name.Name); break;
            case NameNode name: _symbols.Declare(name.Name); break;
            case NamespaceTargetNode target: _symbols.Load(target.Name); break;
            case IfNode branch: VisitIf(branch); break;
            case MacroNode macro: _symbols.Store(macro.Name!); break;
            case LoaderNode loader:
                Visit(loader.Template);
                foreach (var name in loader.Names) _symbols.Store(name);
                break;
            case SetNode set:
                Visit(set.Value);
                Visit(set.Target);
                break;
            case SetBlockNode set: Visit(set.Target); break;
            case ForNode loop: Visit(loop.Iterable); break;
            case CallBlockNode block:
                if (block.Call is not null) Visit(block.Call);
                break;
            case FilterBlockNode block: Visit(block.Filter); break;
            case WithNode with: VisitAll(with.Values); break;
            case AutoEscapeNode or BlockNode: break;
            default: VisitAll(AstWalker.Children(node)); break;
        }
    }

    private void VisitIf(IfNode node)
    {
        Visit(node.Test);
        var original = _symbols;
        // A branch without statements names nothing, and copying the names of a scope is what compiling costs most.
        var branches = new IReadOnlyList<Node>[] { node.Body, node.ElseIfs, node.Else }.Where(b => b.Count > 0).Select(Branch).ToArray();
        original.Merge(branches);

        Symbols Branch(IReadOnlyList<Node> nodes)
        {
            var copy = _symbols = original.Copy();
            VisitAll(nodes);
            _symbols = original;
            return copy;
        }
    }
}
