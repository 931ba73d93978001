using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>The settings of <see cref="MonotonicNetworkElement"/>.</summary>
public sealed record MonotonicNetworkElementSpec : ElementSpec
{
    /// <summary>The numbers that the network reads beside the value: a feature's parameters.</summary>
    public required int Signal { get; init; }

    /// <summary>The units of each hidden layer.</summary>
    public required int[] Hidden { get; init; }

    /// <summary>Whether all features have the same weights.</summary>
    public bool Shared { get; init; }

    internal override void Check(SpecScope at, EventShape shape) => FeatureNetworkShape.Check(at, shape, Signal, Hidden, Shared);

    internal override int ParameterCount => Signal;

    internal override ICompiledElement[] WithWeights(WeightScope weights, int channels) =>
        [.. new FeatureNetworkShape(Signal, Hidden, Shared ? 1 : channels).Read(weights)
            .Select(network => new CompiledMonotonicNetwork(Signal, network))];
}

/// <summary>
/// y = network(x, signal), a network whose weights are taken by their size, so that it increases in x; parameters [signal]. Of the
/// units of each hidden layer the first half is bent by elu(h), the others by -elu(-h); the log-derivative is exact, by forward
/// differentiation (Huang, Krueger, Lacoste, Courville 2018, "Neural autoregressive flows", arXiv 1804.00779; zuko). The inverse is
/// numerical.
/// </summary>
public sealed class MonotonicNetworkElement : NumericalElement
{
    internal const double Furthest = 10;

    private readonly int signal;
    private readonly int[]? features;
    private readonly ModuleList<FeatureLinear> layers;

    public MonotonicNetworkElement(MonotonicNetworkElementSpec spec, int features) : base(nameof(MonotonicNetworkElement))
    {
        signal = spec.Signal;
        layers = new FeatureNetworkShape(spec.Signal, spec.Hidden, spec.Shared ? 1 : features).Build();
        RegisterComponents();
    }

    // Some of the features of another one, whose weights it reads.
    private MonotonicNetworkElement(MonotonicNetworkElement whole, int[] features) : base(nameof(MonotonicNetworkElement)) =>
        (signal, layers, this.features) = (whole.signal, whole.layers, features);

    public override int Parameters => signal;

    protected override double Reach => Furthest;

    internal override Element At(int[] features) => new MonotonicNetworkElement(this, features);

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        Tensor weight = layers[0].Weight(features).abs(), slopes = weight.select(-1, 0);
        Tensor h = FeatureLinear.Product(weight.narrow(-1, 1, signal), parameters) + x.unsqueeze(-1) * slopes + layers[0].Bias(features);
        Tensor tangent = slopes.expand_as(h);
        for (int i = 1; i < layers.Count; i++)
        {
            (h, tangent) = Bent(h, tangent);
            weight = layers[i].Weight(features).abs();
            (h, tangent) = (FeatureLinear.Product(weight, h) + layers[i].Bias(features), FeatureLinear.Product(weight, tangent));
        }
        return new(h.squeeze(-1), tangent.squeeze(-1).log());
    }

    private static (Tensor Values, Tensor Tangent) Bent(Tensor h, Tensor tangent)
    {
        long count = h.shape[^1], first = (count + 1) / 2;
        Tensor sign = cat([ones(first, h.dtype, h.device), -ones(count - first, h.dtype, h.device)]);
        // Neither branch overflows, so that no gradient is infinity times 0.
        Tensor turned = h * sign, slope = turned.clamp_max(0).exp();
        return (where(turned.gt(0), turned, turned.clamp_max(0).expm1()) * sign, tangent * slope);
    }
}

/// <summary>One feature's network as the compiled engine runs it.</summary>
internal sealed record CompiledMonotonicNetwork(int Signal, FeatureNetwork Network) : ICompiledElement
{
    ElementKernel<T> ICompiledElement.Compile<T>() => new MonotonicNetworkKernel<T>(Signal, Network);
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class MonotonicNetworkKernel<T> : VectorNumericalKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly LaneNetwork<T> network;

    public MonotonicNetworkKernel(int signal, FeatureNetwork weights) : base(MonotonicNetworkElement.Furthest) =>
        network = new(signal, new([.. weights.Layers.Select(layer => layer with { Weight = [.. layer.Weight.Select(Math.Abs)] })]));

    // What the signal adds to the first layer; values and tangents of two layers.
    protected override int Scratch => 5 * network.Widest;

    protected override void Prepare(T* parameters, int stride, Vector512<T>* scratch) => network.ReadSignal(parameters, stride, scratch);

    protected override (Vector512<T> Value, Vector512<T> LogDerivative) Map(Vector512<T> x, Vector512<T>* scratch)
    {
        int room = network.Widest;
        Vector512<T>* h = scratch + room, next = h + room, tangent = next + room, nextTangent = tangent + room;
        network.Begin(x, scratch, h, tangent);
        for (int i = 0; i < network.Depth; i++)
        {
            if (typeof(T) == typeof(float))
                Bend((SingleLanes*)h, (SingleLanes*)tangent, network.Width(i));
            else
                Bend((DoubleLanes*)h, (DoubleLanes*)tangent, network.Width(i));
            network.Layer(i, h, tangent, next, nextTangent);
            Vector512<T>* done = h, doneTangent = tangent;
            h = next;
            tangent = nextTangent;
            next = done;
            nextTangent = doneTangent;
        }
        return (h[0], VectorMath.Log(tangent[0]));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bend<V>(V* h, V* tangent, int count)
        where V : unmanaged, ILaneValue<V>
    {
        int first = (count + 1) / 2;
        for (int i = 0; i < count; i++)
        {
            var (bent, slope) = Bent(i < first ? h[i] : -h[i]);
            h[i] = i < first ? bent : -bent;
            tangent[i] *= slope;
        }
    }

    // elu, and its slope.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (V Value, V Slope) Bent<V>(V turned)
        where V : unmanaged, IValue<V>
    {
        V isPositive = turned > V.Of(0);
        return (V.Select(isPositive, turned, Elementary.ExpMinus1(turned)), V.Select(isPositive, V.Of(1), Elementary.Exp(turned)));
    }

    public override int EmitWeights(KernelText text) => network.Place(text);

    protected override string MapText(KernelText text, string name)
    {
        string bent = text.Function("bent", called =>
        {
            var (body, results) = Term.Write(text.IsSingle, () =>
            {
                var (value, slope) = Bent(Term.Named("turned"));
                return [value, slope];
            });
            return $"HOT N {called}(N turned, N &slope)\n{{\n{body}    slope = {results[1]};\n    return {results[0]};\n}}\n";
        });
        return $$"""
            template<class P> struct {{name}}
            {
                P p;
                N of_signal[{{network.MostUnits}}];
                HOT_MEMBER void prepare()
                {
            {{network.SignalText}}
                }
                MEMBER static void bend(N *h, N *tangent, int count)
                {
                    for (int i = 0; i < count; i++)
                    {
                        bool turns = i >= (count + 1) / 2;
                        N slope, bent = {{bent}}(turns ? -h[i] : h[i], slope);
                        h[i] = turns ? -bent : bent;
                        tangent[i] *= slope;
                    }
                }
                HOT_MEMBER N operator()(N x, N &log_derivative) const
                {
                    N h[{{network.MostUnits}}], next[{{network.MostUnits}}], tangent[{{network.MostUnits}}], next_tangent[{{network.MostUnits}}];
            {{network.BeginText("h", "x", "tangent")}}
            {{string.Join('\n', Enumerable.Range(0, network.Depth).Select(i => $"        bend({Layer(i)}, {Tangent(i)}, {network.Width(i)});\n"
                + network.LayerText(i, Layer(i), Layer(i + 1), Tangent(i), Tangent(i + 1))))}}
                    log_derivative = logarithm({{Tangent(network.Depth)}}[0]);
                    return {{Layer(network.Depth)}}[0];
                }
            };
            """;
        static string Layer(int i) => i % 2 == 0 ? "h" : "next";
        static string Tangent(int i) => i % 2 == 0 ? "tangent" : "next_tangent";
    }
}
