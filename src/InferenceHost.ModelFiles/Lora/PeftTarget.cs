namespace InferenceHost.ModelFiles.Lora;

/// <summary>Where the output rows of a Hugging Face module went when the model was converted.</summary>
/// <param name="Tensor">The tensor's name without layer and ending, for example <c>attn_q</c>.</param>
/// <param name="Part">Which of the module's rows it holds.</param>
/// <param name="Grouped">Whether the module holds, per key/value head, its query heads, then that key head, then that value head; otherwise
/// all queries come first, then all keys, then all values.</param>
/// <param name="Order">How the rows of each head were reordered.</param>
internal sealed record PeftTarget(string Tensor, PeftPart Part, bool Grouped, PeftRowOrder Order)
{
    /// <summary>Reads <c>flag:flag:tensor</c>; flags are <c>group</c>, <c>q k v first second</c> and <c>pairs halves</c>.</summary>
    public static PeftTarget Parse(string text)
    {
        var words = text.Split(':', StringSplitOptions.TrimEntries);
        var target = new PeftTarget(words[^1], PeftPart.All, false, PeftRowOrder.Same);
        foreach (var flag in words.AsSpan(0, words.Length - 1))
        {
            target = flag switch
            {
                "group" => target with { Grouped = true },
                "q" => target with { Part = PeftPart.Query },
                "k" => target with { Part = PeftPart.Key },
                "v" => target with { Part = PeftPart.Value },
                "first" => target with { Part = PeftPart.FirstHalf },
                "second" => target with { Part = PeftPart.SecondHalf },
                "pairs" => target with { Order = PeftRowOrder.Pairs },
                "halves" => target with { Order = PeftRowOrder.Halves },
                _ => throw new ArgumentException($"unknown flag '{flag}'", nameof(text)),
            };
        }

        return target;
    }
}
