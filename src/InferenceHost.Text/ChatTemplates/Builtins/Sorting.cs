namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's stable <c>sorted</c>.</summary>
internal static class Sorting
{
    /// <summary>Sorts by a key; equal keys keep their order, also where reversed.</summary>
    /// <exception cref="TemplateRenderException">Two keys have no order.</exception>
    public static Value[] Sort(Value[] items, Func<Value, Value> key, bool reverse, Budget budget)
    {
        budget.Items(items.Length * 2L);
        var keyed = new (Value Key, Value Item)[items.Length];
        for (var i = 0; i < items.Length; i++) keyed[i] = (key(items[i]), items[i]);
        Merge(keyed, new (Value, Value)[keyed.Length], 0, keyed.Length, reverse, budget);
        return [.. keyed.Select(k => k.Item)];
    }

    private static void Merge((Value Key, Value Item)[] items, (Value Key, Value Item)[] buffer, int start, int end, bool reverse, Budget budget)
    {
        if (end - start < 2) return;
        var middle = (start + end) / 2;
        Merge(items, buffer, start, middle, reverse, budget);
        Merge(items, buffer, middle, end, reverse, budget);
        Array.Copy(items, start, buffer, start, end - start);
        var (left, right) = (start, middle);
        for (var i = start; i < end; i++)
        {
            budget.Step();
            var takeRight = left == middle || (right < end && (reverse
                ? Operators.Less(buffer[left].Key, buffer[right].Key, budget)
                : Operators.Less(buffer[right].Key, buffer[left].Key, budget)));
            items[i] = takeRight ? buffer[right++] : buffer[left++];
        }
    }
}
