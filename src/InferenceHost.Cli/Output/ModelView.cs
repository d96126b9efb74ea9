using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Output;

/// <summary>Everything known about one model, for people.</summary>
internal static class ModelView
{
    public static void Write(CliContext cli, DescribeModelResponse model)
    {
        ModelInfo info = model.Info ?? new ModelInfo();
        var facts = new FactsView()
            .Add("name", info.Name)
            .Add("path", info.Path)
            .Add("size", Quantities.Bytes(info.FileBytes))
            .Add("SHA-256", info.Sha256)
            .Add("architecture", info.Architecture)
            .Add("weights", $"{Quantities.Parameters(model.Parameters)} parameters, {info.Quantization}")
            .Add("shape", $"{model.Layers} layers, width {model.EmbeddingWidth}, {model.AttentionHeads} heads ({model.KvHeads} KV)")
            .Add("trained context", $"{Quantities.Count(info.ContextTokens)} tokens")
            .Add("tokenizer", $"{model.Tokenizer}, {Quantities.Count(model.VocabularySize)} tokens")
            .Add("chat template", model.ChatTemplate)
            .Add("licence", info.License)
            .Add("source", model.Source)
            .Add("good for", model.GoodFor);
        if (model.Serving is { } serving)
        {
            facts.Add("device", serving.Device)
                .Add("served context", $"{Quantities.Count(serving.ContextTokens)} tokens, shared by {serving.Parallel} sequences")
                .Add("adapters", serving.AdapterSlots == 0 ? "none" : $"{serving.AdapterSlots} slots, {serving.AdapterMode}");
        }
        facts.Write(cli);
    }
}
