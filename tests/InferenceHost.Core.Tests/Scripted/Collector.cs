using System.Text;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Tests.Scripted;

/// <summary>Keeps everything a loop publishes, per request and sample.</summary>
internal sealed class Collector : IStepSink
{
    public Dictionary<(SequenceId Id, int Index), Answer> Answers { get; } = [];

    public int Frames { get; private set; }

    public Answer this[ulong id, int index = 0] => Answers[(new SequenceId(id), index)];

    public void Publish(StepFrame frame)
    {
        Frames++;
        foreach (var delta in frame.Deltas)
        {
            var key = (delta.Id, delta.Index);
            if (!Answers.TryGetValue(key, out var answer)) Answers.Add(key, answer = new Answer());
            Assert.Null(answer.Finish);
            answer.Text.Append(Encoding.UTF8.GetString(frame.Text(delta)));
            answer.Tokens.AddRange(frame.Tokens(delta));
            if (delta.HasLogProbabilities) answer.LogProbabilities.AddRange(frame.LogProbabilities(delta));
            answer.Finish = delta.Finish;
        }
    }

    internal sealed class Answer
    {
        public StringBuilder Text { get; } = new();

        public List<int> Tokens { get; } = [];

        public List<float> LogProbabilities { get; } = [];

        public SequenceFinish? Finish { get; set; }
    }
}
