using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// A monotone map of one number with parameters, applied element by element: what a coupling, an autoregressive or an
/// elementwise bijection does to each feature. Values are <c>[...]</c>, parameters <c>[..., <see cref="Parameters"/>]</c>.
/// </summary>
public abstract class Element(string name) : nn.Module(name)
{
    /// <summary>The number of raw parameters of each feature.</summary>
    public abstract int Parameters { get; }

    /// <summary>
    /// A network's outputs, feature by feature (<c>[batch, features * parameters]</c>) or channel by channel
    /// (<c>[batch, channels * parameters, H, W]</c>), as the parameters of each value.
    /// </summary>
    internal Tensor Arrange(Tensor outputs, EventShape shape) => shape.IsImage
        ? outputs.reshape(outputs.shape[0], shape.Channels, Parameters, outputs.shape[2], outputs.shape[3]).permute(0, 1, 3, 4, 2)
        : outputs.reshape(outputs.shape[0], shape.Channels, Parameters);

    /// <summary>The same map for some of the features: another one only where features differ.</summary>
    internal virtual Element At(int[] features) => this;

    /// <summary>y and log|dy/dx|, in nats, element by element.</summary>
    public abstract ElementMapped Forward(Tensor x, Tensor parameters);

    /// <summary>x and log|dx/dy|, in nats, element by element.</summary>
    public abstract ElementMapped Inverse(Tensor y, Tensor parameters);

    /// <summary>Parameters <c>[features, parameters]</c> that suit rows <c>[batch, features]</c>, to start training from; null for zeros.</summary>
    public virtual Tensor? Fit(Tensor x) => null;
}

/// <summary>Mapped values and the log-derivative of the direction taken, both in the shape of the values.</summary>
public readonly record struct ElementMapped(Tensor Values, Tensor LogDerivative);
