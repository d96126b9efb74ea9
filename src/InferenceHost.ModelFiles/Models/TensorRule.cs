namespace InferenceHost.ModelFiles.Models;

/// <summary>When a rule of a <see cref="TensorPlan"/> applies to a layer or model.</summary>
internal enum RuleScope
{
    /// <summary>Always.</summary>
    Always,

    /// <summary>Where the feed-forward part has no experts.</summary>
    Dense,

    /// <summary>Where the feed-forward part has experts.</summary>
    Experts,

    /// <summary>In layers with attention (a hybrid model).</summary>
    Attention,

    /// <summary>In layers without attention (a hybrid model).</summary>
    Recurrent,

    /// <summary>Where positions are scaled by the two tables of LongRoPE.</summary>
    LongRope,

    /// <summary>Where they are not.</summary>
    PlainRope,

    /// <summary>In models of 64 layers and more.</summary>
    Deep,
}

/// <summary>One expected tensor.</summary>
/// <param name="Name">Name without the block prefix.</param>
/// <param name="PerLayer">Whether the name is prefixed with <c>blk.N.</c></param>
/// <param name="Required">Whether the engine fails without it.</param>
/// <param name="Scope">Where the rule applies.</param>
/// <param name="Shape">Symbols of the dimensions, see <see cref="TensorShapes"/>.</param>
internal sealed record TensorRule(string Name, bool PerLayer, bool Required, RuleScope Scope, string[] Shape);
