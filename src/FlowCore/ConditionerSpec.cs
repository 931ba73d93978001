using System.Text.Json.Serialization;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore;

/// <summary>One kind of network that emits the parameters of a bijection: a name for a list of layers.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(LinearConditionerSpec), "linear")]
[JsonDerivedType(typeof(MlpSpec), "mlp")]
[JsonDerivedType(typeof(ResidualNetSpec), "residual_net")]
[JsonDerivedType(typeof(MadeSpec), "made")]
[JsonDerivedType(typeof(SequenceSpec), "sequence")]
public abstract record ConditionerSpec
{
    /// <summary>Refuses, by field, what cannot lead from these inputs to so many outputs, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal virtual void Check(SpecScope at, EventShape inputs, long outputs)
    {
        if (outputs > SpecScope.MostValues / inputs.Pixels)
            throw at.Refusal("", $"would have to emit {outputs} values, more than {SpecScope.MostValues / inputs.Pixels}");
        LayerPlace end = LayerSpec.Check(Layers((int)outputs), at, this is SequenceSpec ? "steps" : "layers", "layers", LayerPlace.Of(inputs));
        if (end.Width != outputs)
            throw at.Refusal("", $"emits {end.Width} values, the bijection needs {outputs}");
        if (end.Image != LayerPlace.Of(inputs).Image)
            throw at.Refusal("", $"emits an image of {end.Pixels} pixels, the bijection needs {inputs.Pixels}");
    }

    /// <summary>Hidden layers of a width each, with a nonlinearity between them.</summary>
    private protected static void CheckHidden(SpecScope at, int[] hidden, Activation activation)
    {
        if (at.Given(hidden, "hidden").Length > SpecScope.MostParts / 2)
            throw at.Refusal("hidden", $"{hidden.Length} are more than {SpecScope.MostParts / 2}");
        foreach (int width in hidden)
            at.Width("hidden", width, pixels: 1);
        activation.Check(at, "activation");
    }

    /// <exception cref="SpecException">An image comes in.</exception>
    private protected static void NeedsVector(SpecScope at, EventShape inputs)
    {
        if (inputs.IsImage)
            throw at.Refusal("kind", "needs a vector event");
    }

    /// <summary>The layers that lead to so many outputs.</summary>
    public abstract LayerSpec[] Layers(int outputs);
}
