using FsCheck.Xunit;
using InferenceHost.Server.Chat;

namespace InferenceHost.Server.Tests.Chat;

public sealed class ReasoningSplitterTests
{
    [Theory]
    [InlineData(false, "plain text", "", "plain text")]
    [InlineData(false, "<think>why</think>because", "why", "because")]
    [InlineData(false, "\n<think>\nwhy\n</think>\n\nbecause\n", "why\n", "because\n")]
    [InlineData(true, "why</think>\n\nbecause", "why", "because")]
    [InlineData(true, "\nnever closed", "never closed", "")]
    [InlineData(true, "ends in a part of it </thi", "ends in a part of it </thi", "")]
    [InlineData(false, "<thin ice", "", "<thin ice")]
    [InlineData(false, "<th", "", "<th")]
    [InlineData(false, "  <", "", "  <")]
    [InlineData(false, "later <think>is text</think>", "", "later <think>is text</think>")]
    [InlineData(true, "a < b </ c </think </think>d</think>", "a < b </ c </think ", "d</think>")]
    [InlineData(true, "</think>at once", "", "at once")]
    [InlineData(false, "<think></think>", "", "")]
    [InlineData(true, "考える。</think>答え", "考える。", "答え")]
    public void TextIsSplitTheSameHoweverItArrives(bool startsInReasoning, string output, string reasoning, string text)
    {
        for (var size = 1; size <= output.Length; size++)
            Assert.Equal((reasoning, text), Split(startsInReasoning, output, size));
    }

    [Property(MaxTest = 300)]
    public bool NothingIsLostButMarkersAndLineBreaksBehindThem(bool startsInReasoning, int[] pieces)
    {
        string[] words = ["<think>", "</think>", "<", "</", "think>", "a", " ", "あ"];
        var output = string.Concat(pieces.Select(p => words[(uint)p % words.Length]));
        var whole = Split(startsInReasoning, output, Math.Max(1, output.Length));
        return whole == Split(startsInReasoning, output, 1)
            && whole == Split(startsInReasoning, output, 5)
            && output.Length - (whole.Reasoning.Length + whole.Text.Length) <= "<think></think>".Length + output.Length - output.TrimStart().Length;
    }

    private static (string Reasoning, string Text) Split(bool startsInReasoning, string output, int size)
    {
        var splitter = new ReasoningSplitter(startsInReasoning);
        var (reasoning, text) = ("", "");
        for (var at = 0; at < output.Length || at == 0; at += size)
        {
            var piece = output.Substring(at, Math.Min(size, output.Length - at));
            var (r, t) = splitter.Next(piece, isLast: at + size >= output.Length);
            reasoning += r;
            text += t;
        }
        return (reasoning, text);
    }
}
