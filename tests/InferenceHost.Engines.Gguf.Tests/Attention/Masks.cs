namespace InferenceHost.Engines.Gguf.Tests.Attention;

/// <summary>Which row of a batch sees which cell of the pool.</summary>
internal static class Masks
{
    /// <summary>Rows of one sequence behind each other, with cells before them.</summary>
    public static bool[][] Prompt(int rows, int before, int cells) =>
        [.. Enumerable.Range(0, rows).Select(row => Enumerable.Range(0, cells).Select(cell => cell <= before + row).ToArray())];

    /// <summary>Decode rows, drafts, chunks, a window and rows with a common prefix, their cells scattered over the pool between cells of nobody.</summary>
    public static bool[][] Mixed(Random random)
    {
        var free = Enumerable.Range(0, 768).ToList();
        var rows = new List<bool[]>();
        var prefix = Take(70);
        foreach (var (count, before) in new[] { (1, 3), (1, 200), (3, 60), (40, 0), (1, 0), (25, 17) })
            Sequence(count, Take(before), int.MaxValue);
        Sequence(20, Take(30), window: 12);
        for (var i = 0; i < 3; i++)
            Sequence(1, [.. prefix, .. Take(i + 1)], int.MaxValue);
        return [.. rows];

        int[] Take(int count)
        {
            var taken = Enumerable.Range(0, count).Select(_ => Next()).ToArray();
            return taken;
        }

        int Next()
        {
            var at = random.Next(free.Count);
            var cell = free[at];
            free.RemoveAt(at);
            return cell;
        }

        void Sequence(int count, int[] before, int window)
        {
            var own = before.ToList();
            for (var i = 0; i < count; i++)
            {
                own.Add(Next());
                var seen = new bool[768];
                foreach (var cell in own.TakeLast(window))
                    seen[cell] = true;
                rows.Add(seen);
            }
        }
    }
}
