using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Text.Json.Serialization;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>How a raw parameter u becomes a scale.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScaleMap>))]
public enum ScaleMap
{
    /// <summary>exp(u), unbounded.</summary>
    [JsonStringEnumMemberName("exp")]
    Exp,

    /// <summary>exp(bound * tanh(u / bound)): within exp(-bound)..exp(bound).</summary>
    [JsonStringEnumMemberName("tanh")]
    Tanh,

    /// <summary>exp(u / (1 + |u| / bound)): within exp(-bound)..exp(bound), as zuko has it with bound = -ln(slope).</summary>
    [JsonStringEnumMemberName("softclip")]
    Softclip,

    /// <summary>sigmoid(u + 2) + least (Kingma, Dhariwal 2018, the code of Glow; nflows).</summary>
    [JsonStringEnumMemberName("sigmoid")]
    Sigmoid,

    /// <summary>softplus(u) + least (nflows).</summary>
    [JsonStringEnumMemberName("softplus")]
    Softplus,

    /// <summary>exp(rescale * tanh(u)) with a learned rescale for each feature, or channel (the RealNVP repositories).</summary>
    [JsonStringEnumMemberName("rescaled_tanh")]
    RescaledTanh,

    /// <summary>1: the additive map of NICE (Dinh, Krueger, Bengio 2014, arXiv 1410.8516), which preserves volume.</summary>
    [JsonStringEnumMemberName("none")]
    None,
}

/// <summary>The settings of <see cref="AffineElement"/>.</summary>
public sealed record AffineElementSpec : ElementSpec
{
    public ScaleMap Scale { get; init; } = ScaleMap.Tanh;

    /// <summary>The largest |log-scale| of the maps tanh and softclip.</summary>
    public double Bound { get; init; } = 2.0;

    /// <summary>What the maps sigmoid and softplus add to the scale, so that it stays away from 0.</summary>
    public double Least { get; init; }

    /// <summary>Where the scale is cut off; null for nowhere.</summary>
    public double? Most { get; init; }

    /// <summary>Whether to divide by the scale instead of multiplying by it.</summary>
    public bool Divide { get; init; }

    /// <summary>Whether the shift comes first: y = (x + shift) * scale instead of y = x * scale + shift.</summary>
    public bool ShiftFirst { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Known("scale", Scale);
        at.Positive("bound", Bound);
        at.NotNegative("least", Least);
        if (Most is { } most)
            at.Positive("most", most);
        if (Scale == ScaleMap.RescaledTanh)
            at.Need("rescale", shape.Channels);
    }

    internal override int ParameterCount => Scale == ScaleMap.None ? 1 : 2;

    internal override Formula[] CompileConstants(WeightScope weights, int channels) =>
        Scale == ScaleMap.RescaledTanh ? [weights.Take("rescale", channels)] : [];

    internal override ElementKernel<T> Compile<T>() => Scale switch
    {
        ScaleMap.None => new AffineKernel<T, NoScale>(this),
        ScaleMap.Tanh => new AffineKernel<T, TanhScale>(this),
        ScaleMap.RescaledTanh => new AffineKernel<T, RescaledTanhScale>(this),
        ScaleMap.Softclip => new AffineKernel<T, SoftclipScale>(this),
        ScaleMap.Sigmoid when Least == 0 => new AffineKernel<T, SigmoidScale>(this),
        ScaleMap.Sigmoid => new AffineKernel<T, RaisedSigmoidScale>(this),
        ScaleMap.Softplus => new AffineKernel<T, SoftplusScale>(this),
        _ => new AffineKernel<T, ExpScale>(this),
    };
}

/// <summary>y = x * scale(u) + shift with parameters (shift, u), or (shift) alone where there is no scale.</summary>
public sealed class AffineElement : Element
{
    private readonly AffineElementSpec spec;
    private readonly EventShape shape;
    private readonly Parameter? rescale;

    internal AffineElement(AffineElementSpec spec, EventShape shape) : base(nameof(AffineElement))
    {
        this.spec = spec;
        this.shape = shape;
        rescale = spec.Scale == ScaleMap.RescaledTanh ? new Parameter(ones(shape.Channels)) : null;
        RegisterComponents();
    }

    public override int Parameters => spec.ParameterCount;

    public override ElementMapped Forward(Tensor x, Tensor parameters)
    {
        Tensor shift = parameters.select(-1, 0);
        if (spec.Scale == ScaleMap.None)
            return new(x + shift, zeros_like(x));
        Tensor logScale = LogScale(parameters.select(-1, 1));
        Tensor scale = logScale.exp();
        return new(spec.ShiftFirst ? (x + shift) * scale : x * scale + shift, logScale);
    }

    public override ElementMapped Inverse(Tensor y, Tensor parameters)
    {
        Tensor shift = parameters.select(-1, 0);
        if (spec.Scale == ScaleMap.None)
            return new(y - shift, zeros_like(y));
        Tensor logScale = LogScale(parameters.select(-1, 1)).neg();
        Tensor scale = logScale.exp();
        return new(spec.ShiftFirst ? y * scale - shift : (y - shift) * scale, logScale);
    }

    private Tensor LogScale(Tensor u)
    {
        Tensor logScale = spec.Scale switch
        {
            ScaleMap.Tanh => (u / spec.Bound).tanh() * spec.Bound,
            ScaleMap.RescaledTanh => shape.OverPixels(rescale!) * u.tanh(),
            ScaleMap.Softclip => u / (1 + u.abs() / spec.Bound),
            ScaleMap.Sigmoid when spec.Least == 0 => nn.functional.logsigmoid(u + 2),
            ScaleMap.Sigmoid => ((u + 2).sigmoid() + spec.Least).log(),
            ScaleMap.Softplus => (ExactSoftplus.Of(u) + spec.Least).log(),
            _ => u,
        };
        if (spec.Most is { } most)
            logScale = logScale.clamp_max(Math.Log(most));
        return spec.Divide ? -logScale : logScale;
    }
}

/// <summary>The same, written once for both compiled engines; a learned rescale is a third parameter.</summary>
internal readonly struct AffineElementMap<TScale>(AffineElementSpec spec) : IElementMap
    where TScale : IScale
{
    private readonly AffineElementSpec spec = spec;
    private readonly double logMost = spec.Most is { } most ? Math.Log(most) : double.PositiveInfinity;

    public int Scratch => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Forward<V, P>(V x, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V shift = parameters[0], logScale = LogScale<V, P>(parameters), scale = Elementary.Exp(logScale);
        V y = spec.Scale == ScaleMap.None ? x + shift
            : spec.ShiftFirst ? (x + shift) * scale
            : V.MultiplyAdd(x, scale, shift);
        return new(y, logScale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Mapped<V> Inverse<V, P>(V y, P parameters, V* scratch)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V shift = parameters[0], logScale = -LogScale<V, P>(parameters), scale = Elementary.Exp(logScale);
        V x = spec.Scale == ScaleMap.None ? y - shift
            : spec.ShiftFirst ? y * scale - shift
            : (y - shift) * scale;
        return new(x, logScale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V LogScale<V, P>(P parameters)
        where V : unmanaged, IValue<V>
        where P : IParameters<V>
    {
        V logScale = TScale.LogScale<V, P>(spec, parameters);
        if (spec.Scale == ScaleMap.None)
            return logScale;
        V most = V.Of(logMost);
        logScale = V.Select(logScale > most, most, logScale);
        return spec.Divide ? -logScale : logScale;
    }
}

/// <summary>The same on a CPU.</summary>
internal sealed unsafe class AffineKernel<T, TScale>(AffineElementSpec spec) : PointwiseKernel<T, AffineElementMap<TScale>>(new(spec))
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TScale : IScale
{
    private readonly double logMost = spec.Most is { } most ? Math.Log(most) : double.PositiveInfinity;

    public override bool GoesBack => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(T* x, T* parameters, int stride, int count, T* ofY, T* ofLog, T* ofX, T* ofParameters)
    {
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Vector512<T> outer = Vector512.Load(ofY + i);
            if (spec.Scale == ScaleMap.None)
            {
                outer.Store(ofX + i);
                outer.Store(ofParameters + i);
                continue;
            }
            Vector512<T> value = Vector512.Load(x + i), shift = Vector512.Load(parameters + i);
            Vector512<T> logScale = LogScale(parameters + i, stride), inner = outer * VectorMath.Exp(logScale);
            Vector512<T> ofLogScale = VectorMath.MultiplyAdd(inner, spec.ShiftFirst ? value + shift : value, Vector512.Load(ofLog + i));
            inner.Store(ofX + i);
            (spec.ShiftFirst ? inner : outer).Store(ofParameters + i);
            LogScaleBack(parameters + i, logScale, ofLogScale, stride, ofParameters + i);
        }
    }

    // From the adjoint of a log-scale to those of the raw parameter and of the learned rescale.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LogScaleBack(T* parameters, Vector512<T> logScale, Vector512<T> adjoint, int stride, T* ofParameters)
    {
        if (spec.Divide)
            (adjoint, logScale) = (-adjoint, -logScale);
        // Where it is cut off, nothing moves it.
        if (spec.Most is not null)
            adjoint = VectorMath.Select(Vector512.LessThan(logScale, VectorMath.Of<T>(logMost)), adjoint, Vector512<T>.Zero);
        (adjoint * TScale.Slope(spec, parameters, stride)).Store(ofParameters + stride);
        if (spec.Scale == ScaleMap.RescaledTanh)
            RescaleBack(parameters + stride, adjoint, ofParameters + 2 * stride);
    }

    private Vector512<T> LogScale(T* parameters, int stride) => typeof(T) == typeof(float)
        ? ((Vector512<float>)Map.LogScale<SingleLanes, Panels<SingleLanes>>(new(parameters, stride * sizeof(T)))).As<float, T>()
        : ((Vector512<double>)Map.LogScale<DoubleLanes, Panels<DoubleLanes>>(new(parameters, stride * sizeof(T)))).As<double, T>();

    private static void RescaleBack(T* u, Vector512<T> adjoint, T* ofRescale) => (adjoint * VectorMath.Tanh(Vector512.Load(u))).Store(ofRescale);
}
