using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text.Json.Serialization;
using FlowCore.Conditioners;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>What makes a derivative, which must be positive, of the number d that a network gives.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PositiveMap>))]
public enum PositiveMap
{
    /// <summary>exp(d / (1 + |d| / bound)): within exp(-bound)..exp(bound) (zuko).</summary>
    [JsonStringEnumMemberName("softclip_exp")]
    SoftclipExp,

    /// <summary>elu(d) + 1 (Wehenkel, Louppe 2019; nflows).</summary>
    [JsonStringEnumMemberName("elu_plus_one")]
    EluPlusOne,
}

/// <summary>The settings of <see cref="IntegralElement"/>.</summary>
public sealed record IntegralElementSpec : ElementSpec
{
    /// <summary>The numbers that the network reads beside the value; behind them stands one more parameter, what is added to the integral.</summary>
    public required int Signal { get; init; }

    /// <summary>The units of each hidden layer.</summary>
    public required int[] Hidden { get; init; }

    /// <summary>Whether all features have the same weights.</summary>
    public bool Shared { get; init; }

    /// <summary>The nonlinearity between layers.</summary>
    public Activation Activation { get; init; } = Activation.Parse("elu");

    /// <summary>Whether the units of each hidden layer are standardised, their variance divided by n - 1, with 1e-5 added to it.</summary>
    public bool Normalize { get; init; }

    /// <summary>What makes the derivative of the network's output.</summary>
    public PositiveMap Positive { get; init; }

    /// <summary>The bound of <see cref="PositiveMap.SoftclipExp"/>.</summary>
    public double Bound { get; init; } = 7;

    /// <summary>Where the derivative is evaluated, and with which weights.</summary>
    public Quadrature Quadrature { get; init; }

    /// <summary>The points of Gauss-Legendre, or the steps of Clenshaw-Curtis, which are one fewer than its points.</summary>
    public int Points { get; init; } = 32;

    internal override void Check(SpecScope at, EventShape shape)
    {
        FeatureNetworkShape.Check(at, shape, Signal, Hidden, Shared);
        Activation.Check(at, "activation");
        if (Normalize && Hidden.Contains(1))
            throw at.Refusal("normalize", "a layer of one unit has no variance");
        at.Known("positive", Positive);
        at.Positive("bound", Bound);
        if (Bound > 80)
            throw at.Refusal("bound", $"must be at most 80, is {Bound}");
        at.Known("quadrature", Quadrature);
        at.Within("points", Points, 1, 512);
    }

    internal override int ParameterCount => Signal + 1;

    internal override ICompiledElement[] WithWeights(WeightScope weights, int channels) =>
        [.. new FeatureNetworkShape(Signal, Hidden, Shared ? 1 : channels).Read(weights).Select(network => new CompiledIntegral(this, network))];
}

/// <summary>
/// y = integral from 0 to x of g(u) du + constant with g(u) = positive(network(u, signal)), parameters [signal | constant]: an
/// unconstrained network whose output is a derivative. The integral is that of a quadrature of few points, as the library has it, and
/// the log-derivative is log g(x) (Wehenkel, Louppe 2019, "Unconstrained monotonic neural networks", arXiv 1908.05164; zuko, nflows).
/// The inverse is numerical.
/// </summary>
public sealed class IntegralElement : NumericalElement
{
    internal const double Furthest = 10, Epsilon = 1e-5;

    private readonly IntegralElementSpec spec;
    private readonly int[]? features;
    private readonly ModuleList<FeatureLinear> layers;

    public IntegralElement(IntegralElementSpec spec, int features) : base(nameof(IntegralElement))
    {
        this.spec = spec;
        layers = new FeatureNetworkShape(spec.Signal, spec.Hidden, spec.Shared ? 1 : features).Build();
        RegisterComponents();
    }

    // Some of the features of another one, whose weights it reads.
    private IntegralElement(IntegralElement whole, int[] features) : base(nameof(IntegralElement)) =>
        (spec, layers, this.features) = (whole.spec, whole.layers, features);

    public override int Parameters => spec.ParameterCount;

    protected override double Reach => Furthest;

    internal override Element At(int[] features) => new IntegralElement(this, features);

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        Tensor weight = layers[0].Weight(features), slopes = weight.select(-1, 0);
        Tensor ofSignal = FeatureLinear.Product(weight.narrow(-1, 1, spec.Signal), parameters.narrow(-1, 0, spec.Signal)) + layers[0].Bias(features);
        Tensor LogDerivative(Tensor u)
        {
            Tensor h = u.unsqueeze(-1) * slopes + ofSignal;
            for (int i = 1; i < layers.Count; i++)
            {
                h = spec.Activation.Apply(h);
                if (spec.Normalize)
                    h = (h - h.mean([-1], keepdim: true)) / (h.var(-1, unbiased: true, keepdim: true) + Epsilon).sqrt();
                h = FeatureLinear.Product(layers[i].Weight(features), h) + layers[i].Bias(features);
            }
            Tensor d = h.squeeze(-1);
            return spec.Positive == PositiveMap.SoftclipExp ? d / (1 + d.abs() / spec.Bound) : where(d.gt(0), d.clamp_min(0).log1p(), d);
        }
        Tensor integral = zeros_like(x);
        foreach (var (node, share) in spec.Quadrature.Rule(spec.Points))
            integral = integral + LogDerivative(x * node).exp() * share;
        return new(integral * x + parameters.select(-1, spec.Signal), LogDerivative(x));
    }
}

/// <summary>One feature's integral as the compiled engine runs it.</summary>
internal sealed record CompiledIntegral(IntegralElementSpec Spec, FeatureNetwork Network) : ICompiledElement
{
    ElementKernel<T> ICompiledElement.Compile<T>() => new IntegralKernel<T>(Spec, Network);
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class IntegralKernel<T>(IntegralElementSpec spec, FeatureNetwork weights) : VectorNumericalKernel<T>(IntegralElement.Furthest)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly LaneNetwork<T> network = new(spec.Signal, weights);
    private readonly LaneMap<T> activation = spec.Activation.OnLanes<T>();
    private readonly (double Node, double Weight)[] rule = spec.Quadrature.Rule(spec.Points);

    // What the signal adds to the first layer, two layers, and what is added to the integral.
    protected override int Scratch => 3 * network.Widest + 1;

    protected override void Prepare(T* parameters, int stride, Vector512<T>* scratch)
    {
        network.ReadSignal(parameters, stride, scratch);
        scratch[3 * network.Widest] = Vector512.Load(parameters + spec.Signal * stride);
    }

    protected override (Vector512<T> Value, Vector512<T> LogDerivative) Map(Vector512<T> x, Vector512<T>* scratch)
    {
        Vector512<T> integral = Vector512<T>.Zero;
        foreach (var (node, share) in rule)
            integral = VectorMath.MultiplyAdd(VectorMath.Exp(LogDerivative(x * VectorMath.Of<T>(node), scratch)), VectorMath.Of<T>(share), integral);
        return (VectorMath.MultiplyAdd(integral, x, scratch[3 * network.Widest]), LogDerivative(x, scratch));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private Vector512<T> LogDerivative(Vector512<T> u, Vector512<T>* scratch)
    {
        Vector512<T>* h = scratch + network.Widest, next = h + network.Widest;
        network.Begin(u, scratch, h);
        for (int i = 0; i < network.Depth; i++)
        {
            activation.Apply(h, network.Width(i));
            if (spec.Normalize)
                Standardize(h, network.Width(i));
            network.Layer(i, h, next);
            Vector512<T>* done = h;
            h = next;
            next = done;
        }
        return typeof(T) == typeof(float)
            ? ((Vector512<float>)LogPositive<SingleLanes>(h[0].AsSingle())).As<float, T>()
            : ((Vector512<double>)LogPositive<DoubleLanes>(h[0].AsDouble())).As<double, T>();
    }

    // The logarithm of what makes the derivative of the network's output.
    private V LogPositive<V>(V d)
        where V : unmanaged, IValue<V> => spec.Positive == PositiveMap.SoftclipExp
        ? d / V.MultiplyAdd(V.Abs(d), V.Of(1 / spec.Bound), V.Of(1))
        : V.Select(d > V.Of(0), Elementary.Log1p(V.Larger(d, V.Of(0))), d);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Standardize(Vector512<T>* h, int count)
    {
        Vector512<T> sum = Vector512<T>.Zero, squares = sum;
        for (int i = 0; i < count; i++)
            sum += h[i];
        Vector512<T> mean = sum / VectorMath.Of<T>(count);
        for (int i = 0; i < count; i++)
        {
            h[i] -= mean;
            squares = VectorMath.MultiplyAdd(h[i], h[i], squares);
        }
        Vector512<T> deviation = Vector512.Sqrt(squares / VectorMath.Of<T>(count - 1) + VectorMath.Of<T>(IntegralElement.Epsilon));
        for (int i = 0; i < count; i++)
            h[i] /= deviation;
    }

    public override int EmitWeights(KernelText text) => network.Place(text);

    protected override string MapText(KernelText text, string name)
    {
        string bent = activation.Emit(text), positive = text.Function("log_positive", called => Words.Function(called, text.IsSingle, d => LogPositive(d)));
        return $$"""
            template<class P> struct {{name}}
            {
                P p;
                N of_signal[{{network.MostUnits}}];
                HOT_MEMBER void prepare()
                {
            {{network.SignalText}}
                }
                HOT_MEMBER N log_derivative_at(N u) const
                {
                    N h[{{network.MostUnits}}], next[{{network.MostUnits}}];
            {{network.BeginText("h", "u")}}
            {{string.Join('\n', Enumerable.Range(0, network.Depth).Select(i => BendText(i, bent) + '\n' + network.LayerText(i, Layer(i), Layer(i + 1))))}}
                    return {{positive}}({{Layer(network.Depth)}}[0]);
                }
                HOT_MEMBER N operator()(N x, N &log_derivative) const
                {
                    const N {{NumericalText.Rule(rule, text.Literal)}};
                    N integral = 0;
                    for (int i = 0; i < {{rule.Length}}; i++)
                        integral = multiply_add(exponential(log_derivative_at(x * nodes[i])), weights[i], integral);
                    log_derivative = log_derivative_at(x);
                    return multiply_add(integral, x, p({{spec.Signal}}));
                }
            };
            """;
        static string Layer(int i) => i % 2 == 0 ? "h" : "next";
        string BendText(int i, string map)
        {
            string h = Layer(i);
            int count = network.Width(i);
            string bend = $"        for (int i = 0; i < {count}; i++)\n            {h}[i] = {map}({h}[i]);";
            return !spec.Normalize ? bend : bend + '\n' + $$"""
                        {
                            N sum = 0, squares = 0;
                            for (int i = 0; i < {{count}}; i++)
                                sum += {{h}}[i];
                            N mean = sum / {{text.Literal(count)}};
                            for (int i = 0; i < {{count}}; i++)
                            {
                                {{h}}[i] -= mean;
                                squares = multiply_add({{h}}[i], {{h}}[i], squares);
                            }
                            N deviation = root(squares / {{text.Literal(count - 1)}} + {{text.Literal(IntegralElement.Epsilon)}});
                            for (int i = 0; i < {{count}}; i++)
                                {{h}}[i] /= deviation;
                        }
                """;
        }
    }
}
