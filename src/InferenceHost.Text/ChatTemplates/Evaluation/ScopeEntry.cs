namespace InferenceHost.Text.ChatTemplates;

/// <summary>Gives the variables of a scope their first values.</summary>
internal sealed class ScopeEntry(ScopeEntry.Item[] items)
{
    public static readonly ScopeEntry Empty = new([]);

    public void Run(Activation frame, RenderContext context)
    {
        foreach (var item in items)
        {
            frame.Slots[item.Slot] = item.Kind switch
            {
                LoadKind.Resolve => context.Resolve(item.Name),
                LoadKind.Alias => frame.Up(item.Hops).Slots[item.SourceSlot],
                _ => null,
            };
        }
    }

    internal readonly record struct Item(int Slot, LoadKind Kind, string Name, int Hops, int SourceSlot);
}
