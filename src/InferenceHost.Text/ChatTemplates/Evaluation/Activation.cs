namespace InferenceHost.Text.ChatTemplates;

/// <summary>The variables of one running function; null is a variable that has no value yet. Inner functions see the variables of the outer ones, not copies.</summary>
internal sealed class Activation(int slots, Activation? parent)
{
    public Value?[] Slots { get; } = new Value?[slots];

    public Activation? Parent => parent;

    public Activation Up(int hops)
    {
        var activation = this;
        for (; hops > 0; hops--) activation = activation.Parent!;
        return activation;
    }
}
