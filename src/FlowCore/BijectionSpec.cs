using System.Text.Json.Serialization;
using FlowCore.Bijections;
using FlowCore.Engines.Compiled;

namespace FlowCore;

/// <summary>One kind of bijection with its settings. A new kind is one line here, one in <see cref="FlowBuilder"/>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(CouplingSpec), "coupling")]
[JsonDerivedType(typeof(AutoregressiveSpec), "autoregressive")]
[JsonDerivedType(typeof(ElementwiseSpec), "elementwise")]
[JsonDerivedType(typeof(InvertedSpec), "inverted")]
[JsonDerivedType(typeof(SqueezeSpec), "squeeze")]
[JsonDerivedType(typeof(UnsqueezeSpec), "unsqueeze")]
[JsonDerivedType(typeof(TimeSqueezeSpec), "time_squeeze")]
[JsonDerivedType(typeof(SplitSpec), "split")]
[JsonDerivedType(typeof(PermutationSpec), "permutation")]
[JsonDerivedType(typeof(LinearSpec), "linear")]
[JsonDerivedType(typeof(MatrixSpec), "matrix")]
[JsonDerivedType(typeof(RotationSpec), "rotation")]
[JsonDerivedType(typeof(PlanarSpec), "planar")]
[JsonDerivedType(typeof(HouseholderSpec), "householder")]
[JsonDerivedType(typeof(ActNormSpec), "act_norm")]
[JsonDerivedType(typeof(BatchNormSpec), "batch_norm")]
[JsonDerivedType(typeof(ScaleShiftSpec), "scale_shift")]
[JsonDerivedType(typeof(SoftclipSpec), "softclip")]
[JsonDerivedType(typeof(LeakyReluSpec), "leaky_relu")]
[JsonDerivedType(typeof(LogTanhSpec), "log_tanh")]
[JsonDerivedType(typeof(WrapSpec), "wrap")]
[JsonDerivedType(typeof(StandardizeSpec), "standardize")]
[JsonDerivedType(typeof(LogitSpec), "logit")]
[JsonDerivedType(typeof(LogarithmSpec), "logarithm")]
[JsonDerivedType(typeof(DequantizeSpec), "dequantize")]
[JsonDerivedType(typeof(HaarSpec), "haar")]
[JsonDerivedType(typeof(FlowCouplingSpec), "flow_coupling")]
public abstract record BijectionSpec
{
    /// <summary>Refuses, by field, what cannot be at this place, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal abstract void Check(SpecScope at, EventShape shape);

    /// <summary>Refuses weights under which it would be no bijection.</summary>
    /// <exception cref="FlowException">The message names the field, or the tensor.</exception>
    internal virtual void CheckWeights(SpecScope at, EventShape shape, WeightScope weights)
    {
    }

    /// <summary>The shape behind it.</summary>
    internal virtual EventShape After(EventShape shape) => shape;

    /// <summary>Checks the weights of bijections in order.</summary>
    internal static void CheckWeights(BijectionSpec[] specs, SpecScope at, string list, EventShape shape, WeightScope weights)
    {
        for (int i = 0; i < specs.Length; shape = specs[i].After(shape), i++)
            specs[i].CheckWeights(at.In(list, i), shape, weights.In(list, i));
    }

    /// <summary>Checks bijections in order; the shape behind the last one.</summary>
    internal static EventShape Check(BijectionSpec[] specs, SpecScope at, string list, EventShape shape)
    {
        at.List(specs, list);
        for (int i = 0; i < specs.Length; shape = specs[i].After(shape), i++)
            specs[i].Check(at.In(list, i), shape);
        return shape;
    }

    /// <summary>Writes one direction of it into a compiled program; <paramref name="shape"/> is the event's on the data's side.</summary>
    /// <exception cref="NotCompiledException">The compiled engine does not run this kind; TorchEngine does.</exception>
    internal virtual void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        throw new NotCompiledException($"{GetType().Name[..^4]} is not compiled");
}
