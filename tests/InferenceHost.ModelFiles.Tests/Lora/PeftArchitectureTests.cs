namespace InferenceHost.ModelFiles.Tests.Lora;

/// <summary>Module names, shapes and row orders per architecture, worked out by hand from how each is converted.</summary>
public sealed class PeftArchitectureTests : IDisposable
{
    private readonly PeftCase _case = new();

    // architecture, query heads, key/value heads, module of layer 1, its outputs, and per tensor the module's rows in the tensor's order.
    public static TheoryData<string, int, int, string, int, string> Rows => new()
    {
        { "llama", 2, 1, "model.layers.1.self_attn.q_proj", 8, "attn_q=0 2 1 3 4 6 5 7" },
        { "llama", 2, 1, "model.layers.1.self_attn.k_proj", 4, "attn_k=0 2 1 3" },
        { "llama", 2, 1, "model.layers.1.self_attn.v_proj", 4, "attn_v=0-3" },
        { "deepseek", 2, 2, "model.layers.1.self_attn.q_proj", 8, "attn_q=0 2 1 3 4 6 5 7" },
        { "deepseek", 2, 2, "model.layers.1.mlp.shared_experts.up_proj", 12, "ffn_up_shexp=0-11" },
        { "glm4", 2, 1, "model.layers.1.self_attn.q_proj", 8, "attn_q=0-7" },
        { "glm4", 2, 1, "model.layers.1.mlp.gate_up_proj", 12, "ffn_up=0-11" },
        { "glm4moe", 2, 1, "model.layers.1.mlp.shared_experts.down_proj", 8, "ffn_down_shexp=0-7" },
        { "qwen2moe", 2, 1, "model.layers.1.mlp.shared_expert.gate_proj", 6, "ffn_gate_shexp=0-5" },
        { "hunyuan-moe", 2, 1, "model.layers.1.mlp.shared_mlp.gate_proj", 6, "ffn_gate_shexp=0-5" },

        // Two groups of two queries, a key and a value, heads of two rows.
        { "falcon", 4, 2, "transformer.h.1.self_attention.query_key_value", 16, "attn_qkv=0-3 8-11 4 5 12 13 6 7 14 15" },
        { "falcon", 4, 1, "transformer.h.1.self_attention.query_key_value", 12, "attn_qkv=0-11" },
        { "falcon", 4, 2, "transformer.h.1.self_attention.dense", 8, "attn_output=0-7" },
        { "falcon", 4, 2, "transformer.h.1.mlp.dense_h_to_4h", 32, "ffn_up=0-31" },
        { "falcon", 4, 2, "transformer.h.1.mlp.dense_4h_to_h", 8, "ffn_down=0-7" },
        { "bloom", 2, 2, "transformer.h.1.self_attention.query_key_value", 12, "attn_qkv=0 1 6 7 2 3 8 9 4 5 10 11" },
        { "gptneox", 2, 2, "gpt_neox.layers.1.attention.query_key_value", 12, "attn_qkv=0 1 6 7 2 3 8 9 4 5 10 11" },
        { "gptneox", 2, 2, "gpt_neox.layers.1.attention.dense", 8, "attn_output=0-7" },
        { "gpt2", 2, 2, "transformer.h.1.attn.c_attn", 24, "attn_qkv=0-23" },
        { "gpt2", 2, 2, "transformer.h.1.attn.c_proj", 8, "attn_output=0-7" },
        { "gpt2", 2, 2, "transformer.h.1.mlp.c_fc", 32, "ffn_up=0-31" },
        { "gpt2", 2, 2, "transformer.h.1.mlp.c_proj", 8, "ffn_down=0-7" },
        { "jais", 2, 2, "transformer.h.1.mlp.c_fc2", 32, "ffn_gate=0-31" },
        { "qwen", 2, 2, "transformer.h.1.mlp.w2", 12, "ffn_gate=0-11" },
        { "mpt", 2, 2, "transformer.blocks.1.attn.Wqkv", 24, "attn_qkv=0-23" },
        { "starcoder", 4, 1, "transformer.h.1.attn.c_attn", 12, "attn_qkv=0-11" },
        { "starcoder2", 2, 1, "model.layers.1.mlp.c_fc", 32, "ffn_up=0-31" },

        // One matrix became three; queries and keys in pairs, heads of four rows.
        { "internlm2", 2, 1, "model.layers.1.attention.wqkv", 16, "attn_q=0 2 1 3 4 6 5 7;attn_k=8 10 9 11;attn_v=12-15" },
        { "internlm2", 4, 2, "model.layers.1.attention.wqkv", 32,
            "attn_q=0 2 1 3 4 6 5 7 16 18 17 19 20 22 21 23;attn_k=8 10 9 11 24 26 25 27;attn_v=12-15 28-31" },
        { "internlm2", 2, 1, "model.layers.1.feed_forward.w3", 12, "ffn_up=0-11" },
        { "baichuan", 2, 2, "model.layers.1.self_attn.W_pack", 24, "attn_q=0 2 1 3 4 6 5 7;attn_k=8 10 9 11 12 14 13 15;attn_v=16-23" },
        { "ernie4_5", 4, 2, "model.layers.1.self_attn.qkv_proj", 16, "attn_q=0-7;attn_k=8-11;attn_v=12-15" },
        { "ernie4_5", 4, 2, "model.layers.1.mlp.up_gate_proj", 12, "ffn_gate=0-5;ffn_up=6-11" },
        { "ernie4_5", 4, 2, "model.layers.1.self_attn.q_proj", 8, "attn_q=0-7" },
        { "chatglm", 2, 1, "transformer.encoder.layers.1.self_attention.query_key_value", 16, "attn_qkv=0-15" },
        { "chatglm", 2, 1, "model.layers.1.self_attn.k_proj", 4, "attn_k=0-3" },
        { "phi2", 2, 2, "model.layers.1.self_attn.dense", 8, "attn_output=0-7" },
        { "phi2", 2, 2, "model.layers.1.mlp.fc1", 32, "ffn_up=0-31" },
        { "phi3", 2, 1, "model.layers.1.self_attn.qkv_proj", 16, "attn_qkv=0-15" },
        { "exaone", 2, 1, "transformer.h.1.attn.attention.q_proj", 8, "attn_q=0-7" },
        { "exaone", 2, 1, "transformer.h.1.mlp.c_fc_1", 12, "ffn_up=0-11" },
        { "llama4", 2, 1, "language_model.model.layers.1.feed_forward.shared_expert.up_proj", 12, "ffn_up_shexp=0-11" },
        { "smollm3", 2, 1, "model.layers.1.self_attn.q_proj", 8, "attn_q=0 2 1 3 4 6 5 7" },
        { "nemotron", 2, 1, "model.layers.1.mlp.up_proj", 12, "ffn_up=0-11" },
        { "olmo2", 2, 1, "model.layers.1.self_attn.k_proj", 4, "attn_k=0-3" },
        { "hunyuan-dense", 2, 1, "model.layers.1.self_attn.q_proj", 8, "attn_q=0-7" },
        { "seed_oss", 2, 1, "model.layers.1.self_attn.o_proj", 8, "attn_output=0-7" },
    };

    public void Dispose() => _case.Dispose();

    [Theory]
    [MemberData(nameof(Rows))]
    public void ModuleBecomesItsTensorsRowByRow(string architecture, int heads, int headsKv, string module, int outputs, string expected)
    {
        var targets = expected.Split(';').Select(t => t.Split('=')).ToDictionary(t => t[0], t => Expand(t[1]));
        _case.Model(architecture, heads, headsKv, 8, [.. targets.Select(t => (t.Key, 8, t.Value.Length))]);
        var pairs = _case.Import("", (module, 8, outputs));
        Assert.Equal(targets.Count, pairs.Count);
        foreach (var (tensor, rows) in targets)
        {
            var pair = pairs[$"blk.1.{tensor}.weight"];
            Assert.Equal(rows, pair.Rows);
            Assert.Equal("8 x 2", pair.ShapeA);
            Assert.Equal($"2 x {rows.Length}", pair.ShapeB);
            Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8], pair.A);
        }
    }

    // Four of six rows of a head are turned.
    [Fact]
    public void SectionedRopeTakesPairsApart()
    {
        _case.SectionedModel(2, 1, 12, 4, ("attn_q", 12, 12), ("attn_k", 12, 6), ("attn_v", 12, 6));
        var pairs = _case.Import("", ("model.language_model.layers.0.self_attn.q_proj", 12, 12),
            ("model.language_model.layers.0.self_attn.k_proj", 12, 6), ("model.language_model.layers.0.self_attn.v_proj", 12, 6));
        Assert.Equal(Expand("0 2 1 3 4 5 6 8 7 9 10 11"), pairs["blk.0.attn_q.weight"].Rows);
        Assert.Equal(Expand("0 2 1 3 4 5"), pairs["blk.0.attn_k.weight"].Rows);
        Assert.Equal(Expand("0-5"), pairs["blk.0.attn_v.weight"].Rows);
    }

    // Conv1D's weight lies transposed, its adapter does not: the flag changes no byte.
    [Theory]
    [InlineData("")]
    [InlineData("\"fan_in_fan_out\": true,")]
    [InlineData("\"fan_in_fan_out\": false,")]
    public void TransposedWeightsLeaveTheAdapterAsItIs(string config)
    {
        _case.Model("gpt2", 2, 2, 8, ("attn_qkv", 8, 24), ("attn_output", 8, 8));
        var pairs = _case.Import(config, ("transformer.h.0.attn.c_attn", 8, 24), ("transformer.h.0.attn.c_proj", 8, 8));
        Assert.Equal(("8 x 2", "2 x 24"), (pairs["blk.0.attn_qkv.weight"].ShapeA, pairs["blk.0.attn_qkv.weight"].ShapeB));
        Assert.Equal(Expand("0-7"), pairs["blk.0.attn_output.weight"].Rows);
        Assert.Equal(8, pairs["blk.0.attn_output.weight"].A[7]);
    }

    [Theory]
    [InlineData("gptneox", "embed_out")]
    [InlineData("internlm2", "output")]
    [InlineData("glm4", "lm_head")]
    public void OutputMatrixHasTheArchitecturesName(string architecture, string module)
    {
        _case.Model(architecture, 2, 2, 8, ("output", 8, 20));
        Assert.Equal(Expand("0-19"), _case.Import("", (module, 8, 20))["output.weight"].Rows);
    }

    [Fact]
    public void DenseAndOutputPartsOfDeepseekCanBeAdapted()
    {
        _case.Model("deepseek2", 2, 1, 8, ("attn_output", 8, 8), ("ffn_up", 8, 12), ("ffn_gate_shexp", 8, 6));
        var pairs = _case.Import("", ("model.layers.0.self_attn.o_proj", 8, 8), ("model.layers.0.mlp.up_proj", 8, 12),
            ("model.layers.1.mlp.shared_experts.gate_proj", 8, 6));
        Assert.Equal(["blk.0.ffn_up.weight", "blk.0.attn_output.weight", "blk.1.ffn_gate_shexp.weight"], pairs.Keys);
    }

    [Theory]
    [InlineData("q_proj")]
    [InlineData("q_a_proj")]
    [InlineData("q_b_proj")]
    [InlineData("kv_a_proj_with_mqa")]
    [InlineData("kv_b_proj")]
    public void LatentAttentionIsRefusedByName(string module)
    {
        _case.Model("deepseek2", 2, 1, 8, ("attn_k_b", 8, 8), ("attn_v_b", 8, 8), ("attn_output", 8, 8));
        var error = _case.Refuse(($"model.layers.0.self_attn.{module}", 8, 8));
        Assert.Contains(module, error.Field, StringComparison.Ordinal);
        Assert.Contains("latent attention", error.Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("falcon", "transformer.h.0.self_attention.q_proj")]
    [InlineData("gpt2", "model.layers.0.self_attn.q_proj")]
    [InlineData("jais", "lm_head")]
    [InlineData("glm4", "model.layers.0.mlp.gate_proj")]
    [InlineData("deepseek", "model.layers.0.mlp.experts.3.up_proj")]
    [InlineData("glm4", "model.layers.x.self_attn.q_proj")]
    public void UnknownModuleIsRefusedByName(string architecture, string module)
    {
        _case.Model(architecture, 2, 2, 8, ("attn_q", 8, 8), ("output", 8, 8));
        Assert.Equal($"module '{module}'", _case.Refuse((module, 8, 8)).Found);
    }

    [Theory]
    [InlineData("falcon", "transformer.h.0.self_attention.query_key_value", 9)]
    [InlineData("internlm2", "model.layers.0.attention.wqkv", 12)]
    [InlineData("ernie4_5", "model.layers.0.mlp.up_gate_proj", 7)]
    [InlineData("deepseek", "model.layers.0.self_attn.k_proj", 6)]
    public void RowsThatDoNotFitTheHeadsAreRefused(string architecture, string module, int outputs)
    {
        _case.Model(architecture, 4, 2, 8, ("attn_q", 8, 8));
        var error = _case.Refuse((module, 8, outputs));
        Assert.Equal(($"{outputs} rows", $"base_model.model.{module}.lora_B.weight"), (error.Found, error.Field));
    }

    private static int[] Expand(string rows) => [.. rows.Split(' ').Select(r => r.Split('-').Select(int.Parse).ToArray())
        .SelectMany(r => Enumerable.Range(r[0], r[^1] - r[0] + 1))];
}
