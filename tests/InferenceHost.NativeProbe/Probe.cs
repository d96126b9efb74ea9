using System.Text;

namespace InferenceHost.NativeProbe;

/// <summary>Loads a model, optionally with an adapter, and generates a few tokens with it.</summary>
internal sealed unsafe class Probe : IDisposable
{
    private const int ContextTokens = 64;
    private const int Steps = 4;
    private static readonly byte[] Text = Encoding.UTF8.GetBytes("Hello, 世界 <|im_start|> 123\n");
    private nint _baseModel;
    private string? _basePath;

    public string Run(string modelPath, string? adapterPath)
    {
        if (adapterPath is null)
        {
            var model = Load(modelPath);
            if (model == 0)
                return "refused: model";
            var outcome = Generate(model, 0);
            Native.llama_model_free(model);
            return outcome;
        }

        return RunAdapter(modelPath, adapterPath);
    }

    public void Dispose()
    {
        if (_baseModel != 0)
            Native.llama_model_free(_baseModel);
        _baseModel = 0;
    }

    // Many adapters are tried on the same model, which stays loaded.
    private string RunAdapter(string modelPath, string adapterPath)
    {
        if (_basePath != modelPath)
        {
            Dispose();
            _baseModel = Load(modelPath);
            _basePath = modelPath;
        }

        if (_baseModel == 0)
            return "refused: model";
        var adapter = Native.llama_adapter_lora_init(_baseModel, adapterPath);
        if (adapter == 0)
            return "refused: adapter";
        var outcome = Generate(_baseModel, adapter);
        Native.llama_adapter_lora_free(adapter);
        return outcome;
    }

    private static nint Load(string path)
    {
        var parameters = Native.llama_model_default_params();
        parameters.GpuLayers = 0;
        return Native.llama_model_load_from_file(path, parameters);
    }

    private static string Generate(nint model, nint adapter)
    {
        var parameters = Native.llama_context_default_params();
        parameters.Context = parameters.Batch = parameters.MicroBatch = ContextTokens;
        parameters.Threads = parameters.ThreadsBatch = 1;
        var context = Native.llama_init_from_model(model, parameters);
        if (context == 0)
            return "refused: context";
        try
        {
            if (adapter != 0)
            {
                var scale = 1f;
                if (Native.llama_set_adapters_lora(context, &adapter, 1, &scale) != 0)
                    return "refused: set adapter";
            }

            return Decode(context, Native.llama_model_get_vocab(model));
        }
        finally
        {
            Native.llama_free(context);
        }
    }

    private static string Decode(nint context, nint vocab)
    {
        var tokens = stackalloc int[ContextTokens];
        int count;
        fixed (byte* text = Text)
            count = Native.llama_tokenize(vocab, text, Text.Length, tokens, ContextTokens - Steps, 1, 1);
        if (count <= 0)
        {
            tokens[0] = 0;
            count = 1;
        }

        for (var step = 0; step < Steps; step++)
        {
            if (Native.llama_decode(context, Native.llama_batch_get_one(tokens, count)) != 0)
                return "refused: decode";
            tokens[0] = Best(Native.llama_get_logits_ith(context, -1), Native.llama_vocab_n_tokens(vocab));
            count = 1;
            Read(vocab, tokens[0]);
        }

        return "ok";
    }

    private static void Read(nint vocab, int token)
    {
        var piece = stackalloc byte[256];
        Native.llama_token_to_piece(vocab, token, piece, 256, 0, 1);
        Native.llama_vocab_is_eog(vocab, token);
    }

    private static int Best(float* logits, int count)
    {
        var best = 0;
        for (var i = 1; i < count; i++)
        {
            if (logits[i] > logits[best])
                best = i;
        }

        return best;
    }
}
