using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace FlowCore.Conditioners;

/// <summary>A network that reads features and context and emits the parameters of a bijection, <c>[batch, outputs]</c>.</summary>
public abstract class Conditioner(string name) : nn.Module(name)
{
    public abstract Tensor Forward(Tensor input, Tensor? context);

    /// <summary>Features and context side by side.</summary>
    protected static Tensor Join(Tensor input, Tensor? context) =>
        context is null ? input : cat([input, context], 1);
}

/// <summary>The nonlinearity between layers.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Activation>))]
public enum Activation
{
    [JsonStringEnumMemberName("relu")]
    Relu,

    [JsonStringEnumMemberName("leaky_relu")]
    LeakyRelu,

    [JsonStringEnumMemberName("tanh")]
    Tanh,

    [JsonStringEnumMemberName("elu")]
    Elu,

    [JsonStringEnumMemberName("gelu")]
    Gelu,

    [JsonStringEnumMemberName("silu")]
    Silu,
}

internal static class ActivationExtensions
{
    private const double LeakySlope = 0.01;

    public static Tensor Apply(this Activation activation, Tensor x) => activation switch
    {
        Activation.Relu => nn.functional.relu(x),
        Activation.LeakyRelu => nn.functional.leaky_relu(x, LeakySlope),
        Activation.Tanh => x.tanh(),
        Activation.Elu => nn.functional.elu(x, 1.0),
        Activation.Gelu => nn.functional.gelu(x),
        Activation.Silu => nn.functional.silu(x),
        _ => throw new SpecException($"activation: {activation} is unknown"),
    };
}
