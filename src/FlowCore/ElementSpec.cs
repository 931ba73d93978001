using System.Numerics;
using System.Text.Json.Serialization;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;

namespace FlowCore;

/// <summary>One kind of monotone map of a single feature.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(AffineElementSpec), "affine")]
[JsonDerivedType(typeof(SplineElementSpec), "spline")]
[JsonDerivedType(typeof(GaussianizationElementSpec), "gaussianization")]
[JsonDerivedType(typeof(SumOfSquaresElementSpec), "sum_of_squares")]
[JsonDerivedType(typeof(BernsteinElementSpec), "bernstein")]
[JsonDerivedType(typeof(ArcsinhElementSpec), "arcsinh")]
[JsonDerivedType(typeof(MonotonicNetworkElementSpec), "monotonic_network")]
[JsonDerivedType(typeof(IntegralElementSpec), "integral")]
[JsonDerivedType(typeof(MixtureElementSpec), "mixture")]
public abstract record ElementSpec : ICompiledElement
{
    /// <summary>Refuses, by field, what cannot be done to values of this shape, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal abstract void Check(SpecScope at, EventShape shape);

    /// <summary>The number of raw parameters of each feature.</summary>
    internal abstract int ParameterCount { get; }

    /// <summary>The same, once it is checked as an element of so many features.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal int CheckedParameterCount(int features)
    {
        Check(new SpecScope("element", new()), new EventShape([features], 0));
        return ParameterCount;
    }

    /// <summary>More parameters, which depend on nothing: one list each, with a value for every channel.</summary>
    internal virtual Formula[] CompileConstants(WeightScope weights, int channels) => [];

    /// <summary>What the compiled engine runs: itself; or, where it has weights, with them, once for all channels or for each.</summary>
    internal virtual ICompiledElement[] WithWeights(WeightScope weights, int channels) => [this];

    /// <summary>The element as the compiled engine runs it.</summary>
    /// <exception cref="NotCompiledException">The compiled engine does not run this kind; TorchEngine does.</exception>
    internal virtual ElementKernel<T> Compile<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => throw new NotCompiledException($"{GetType().Name[..^4]} is not compiled");

    ElementKernel<T> ICompiledElement.Compile<T>() => Compile<T>();
}
