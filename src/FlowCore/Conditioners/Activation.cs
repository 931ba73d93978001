using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;
using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Conditioners;

/// <summary>
/// A nonlinearity: <c>relu</c>, <c>leaky_relu</c>, <c>tanh</c>, <c>elu</c>, <c>gelu</c> (by the error function), <c>silu</c>,
/// <c>sigmoid</c>, <c>softplus</c>, <c>selu</c>, <c>mish</c>, <c>relu6</c>, <c>hardswish</c>, <c>gelu_tanh</c> (gelu by its usual
/// approximation) or <c>clampexp</c> (min(exp(x), 1)); written with its parameter where that is not the usual one:
/// <c>leaky_relu(0.2)</c>, <c>elu(0.5)</c>, <c>softplus(2)</c>.
/// </summary>
[JsonConverter(typeof(ActivationConverter))]
public readonly record struct Activation
{
    private static readonly Dictionary<string, double> Defaults = new(StringComparer.Ordinal)
    {
        ["relu"] = 0,
        ["leaky_relu"] = 0.01,
        ["tanh"] = 0,
        ["elu"] = 1,
        ["gelu"] = 0,
        ["silu"] = 0,
        ["sigmoid"] = 0,
        ["softplus"] = 1,
        ["selu"] = 0,
        ["clampexp"] = 0,
        ["mish"] = 0,
        ["relu6"] = 0,
        ["hardswish"] = 0,
        ["gelu_tanh"] = 0,
    };

    private Activation(string name, double parameter) => (Name, Parameter) = (name, parameter);

    public static Activation Relu => new("relu", 0);

    public static Activation Tanh => new("tanh", 0);

    public static IEnumerable<string> Names => Defaults.Keys;

    public string Name { get; }

    /// <summary>The negative slope of leaky_relu, the alpha of elu, the beta of softplus; 0 for the others.</summary>
    public double Parameter { get; }

    /// <exception cref="SpecException">The text names no known nonlinearity.</exception>
    public static Activation Parse(string text)
    {
        int open = text.IndexOf('(', StringComparison.Ordinal);
        string name = open < 0 ? text : text[..open];
        if (!Defaults.TryGetValue(name, out double parameter))
            throw new SpecException($"activation: '{text}' is none of {string.Join(", ", Defaults.Keys)}");
        if (open < 0)
            return new(name, parameter);
        string inner = text[(open + 1)..].TrimEnd(')').Replace("alpha=", "", StringComparison.Ordinal);
        if (name is not ("leaky_relu" or "elu" or "softplus") || !text.EndsWith(')') || !double.TryParse(inner, CultureInfo.InvariantCulture, out parameter))
            throw new SpecException($"activation: '{text}' has a parameter that {name} does not take");
        return new(name, parameter);
    }

    public override string ToString() => Parameter == Defaults[Name]
        ? Name
        : string.Create(CultureInfo.InvariantCulture, $"{Name}({Parameter})");

    /// <exception cref="SpecException">It is missing, or its parameter is not a number that can be computed with.</exception>
    internal void Check(SpecScope at, string field)
    {
        at.Given(Name, field);
        at.Number(field, Parameter);
        if (Name == "softplus")
            at.Positive(field, Parameter);
    }

    public Tensor Apply(Tensor x) => Name switch
    {
        "relu" => x.relu(),
        "leaky_relu" => nn.functional.leaky_relu(x, Parameter),
        "tanh" => x.tanh(),
        "elu" => nn.functional.elu(x, Parameter),
        "gelu" => nn.functional.gelu(x),
        "silu" => nn.functional.silu(x),
        "sigmoid" => x.sigmoid(),
        "softplus" when Parameter == 1 => ExactSoftplus.Of(x),
        "softplus" => ExactSoftplus.Of(x * Parameter) / Parameter,
        "selu" => nn.functional.selu(x),
        "mish" => x * ExactSoftplus.Of(x).tanh(),
        "relu6" => x.clamp(0, 6),
        "hardswish" => x * (x + 3).clamp(0, 6) / 6,
        "gelu_tanh" => 0.5 * x * (1 + ((x + 0.044715 * x * x * x) * Math.Sqrt(2 / Math.PI)).tanh()),
        "clampexp" => x.exp().clamp_max(1),
        _ => throw new SpecException("activation: is missing"),
    };

    internal Node Compile(NetworkCompiler network, Node h) => Name switch
    {
        "relu" => network.Rectified(h, 0),
        "leaky_relu" when Parameter is > 0 and <= 1 => network.Rectified(h, Parameter),
        _ => For(new NodeOf(network, h)),
    };

    /// <summary>The same for vectors of values, in their place.</summary>
    internal LaneMap<T> OnLanes<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => For(default(LanesOf<T>));

    private TResult For<TResult>(IMapUse<TResult> use) => Name switch
    {
        "relu" => use.Of<Rectifier>(0),
        "leaky_relu" => use.Of<LeakyRectifier>(Parameter),
        "tanh" => use.Of<HyperbolicTangent>(0),
        "elu" => use.Of<ExponentialLinear>(Parameter),
        "gelu" => use.Of<GaussianErrorLinear>(0),
        "silu" => use.Of<SigmoidLinear>(0),
        "sigmoid" => use.Of<Logistic>(0),
        "softplus" => use.Of<SoftRectifier>(Parameter),
        "mish" => use.Of<Mish>(0),
        "relu6" => use.Of<RectifierToSix>(0),
        "hardswish" => use.Of<HardSwish>(0),
        "gelu_tanh" => use.Of<GaussianErrorLinearByTanh>(0),
        "selu" => use.Of<ScaledExponentialLinear>(0),
        "clampexp" => use.Of<ClampedExponential>(0),
        _ => throw new SpecException("activation: is missing"),
    };

    /// <summary>What is made of a nonlinearity's formula.</summary>
    private interface IMapUse<TResult>
    {
        TResult Of<TMap>(double parameter)
            where TMap : IMap;
    }

    private readonly struct NodeOf(NetworkCompiler network, Node h) : IMapUse<Node>
    {
        public Node Of<TMap>(double parameter)
            where TMap : IMap => network.Map<TMap>(h, parameter);
    }

    private readonly struct LanesOf<T> : IMapUse<LaneMap<T>>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public LaneMap<T> Of<TMap>(double parameter)
            where TMap : IMap => new LaneMap<T, TMap>(parameter);
    }

    private sealed class ActivationConverter : JsonConverter<Activation>
    {
        public override Activation Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                return Parse(reader.GetString() ?? "");
            }
            catch (SpecException e)
            {
                throw new JsonException(e.Message);
            }
        }

        public override void Write(Utf8JsonWriter writer, Activation value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
