using InferenceHost.ModelFiles.Models;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>Computes which row of a module became which row of a tensor. An adapter's B has the module's rows, so it is cut and reordered
/// as the weight was; A has its columns and stays.</summary>
internal static class PeftRows
{
    /// <summary>The number that the module's rows must be a multiple of; 0 where this layer has no such heads.</summary>
    public static int UnitOf(PeftTarget target, HyperParameters p, int layer)
    {
        int heads = p.Heads[layer], headsKv = p.HeadsKv[layer];
        var perHead = target.Order == PeftRowOrder.Same ? 1 : 2;
        return target.Part switch
        {
            PeftPart.FirstHalf or PeftPart.SecondHalf => 2,
            PeftPart.Query or PeftPart.Key or PeftPart.Value => IsGrouped() ? perHead * (heads + (2 * headsKv)) : 0,
            _ when target.Grouped => IsGrouped() ? heads + (2 * headsKv) : 0,
            _ => target.Order == PeftRowOrder.Same ? 1 : 2 * HeadsOf(target, p, layer),
        };

        bool IsGrouped() => headsKv > 0 && heads % headsKv == 0;
    }

    /// <summary>The module's rows in the tensor's order; null where all stay in place.</summary>
    /// <param name="target">The tensor.</param>
    /// <param name="rows">Rows of the module, a multiple of <see cref="UnitOf"/>.</param>
    /// <param name="p">The model's numbers.</param>
    /// <param name="layer">Layer of the module.</param>
    public static int[]? Of(PeftTarget target, int rows, HyperParameters p, int layer)
    {
        if (target is { Part: PeftPart.All, Grouped: false, Order: PeftRowOrder.Same })
            return null;
        int[] taken = target.Part switch
        {
            PeftPart.FirstHalf => [.. Enumerable.Range(0, rows / 2)],
            PeftPart.SecondHalf => [.. Enumerable.Range(rows / 2, rows / 2)],
            PeftPart.All when !target.Grouped => [.. Enumerable.Range(0, rows)],
            PeftPart.All => [.. Fused(PeftPart.Query), .. Fused(PeftPart.Key), .. Fused(PeftPart.Value)],
            _ => [.. Fused(target.Part)],
        };
        return target.Order == PeftRowOrder.Same ? taken : Reorder(taken, HeadsOf(target, p, layer), target.Order, p.RopeDimensions);

        IEnumerable<int> Fused(PeftPart part) => FusedRows(target.Grouped, part, rows, p, layer);
    }

    private static int HeadsOf(PeftTarget target, HyperParameters p, int layer) =>
        target.Tensor == "attn_q" ? p.Heads[layer] : p.HeadsKv[layer];

    private static IEnumerable<int> FusedRows(bool grouped, PeftPart part, int rows, HyperParameters p, int layer)
    {
        int heads = p.Heads[layer], headsKv = p.HeadsKv[layer], perGroup = heads / headsKv;
        var size = rows / (heads + (2 * headsKv));
        for (var head = 0; head < (part == PeftPart.Query ? heads : headsKv); head++)
        {
            var group = part == PeftPart.Query ? head / perGroup : head;
            var inGroup = part switch { PeftPart.Query => head % perGroup, PeftPart.Key => perGroup, _ => perGroup + 1 };
            var stacked = part switch { PeftPart.Query => head, PeftPart.Key => heads + head, _ => heads + headsKv + head };
            var first = (grouped ? (group * (perGroup + 2)) + inGroup : stacked) * size;
            for (var i = 0; i < size; i++)
                yield return first + i;
        }
    }

    private static int[] Reorder(int[] rows, int heads, PeftRowOrder order, int ropeDimensions)
    {
        var size = rows.Length / heads;
        var rotated = order == PeftRowOrder.Pairs ? size : Math.Min(ropeDimensions, size);
        var half = rotated / 2;
        var result = (int[])rows.Clone();
        for (var head = 0; head < heads; head++)
        {
            for (var i = 0; i < half * 2; i++)
            {
                var from = order == PeftRowOrder.Pairs ? (i % 2 * half) + (i / 2) : (i % half * 2) + (i / half);
                result[(head * size) + i] = rows[(head * size) + from];
            }
        }

        return result;
    }
}
