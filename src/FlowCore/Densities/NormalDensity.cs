using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent normals; a kind says where their means and log standard deviations come from.</summary>
public abstract class NormalDensity(string name, int width) : BaseDensity(name, width)
{
    /// <summary>Mean and log standard deviation, <c>[width]</c> or <c>[batch, width]</c>.</summary>
    protected abstract (Tensor Mean, Tensor LogScale) Parameters(Tensor? context);

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (mean, logScale) = Parameters(context);
        return (StandardNormal.LogProb((z - mean) * (-logScale).exp()) - logScale.sum(-1)).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (mean, logScale) = Parameters(context);
        Tensor z = mean + noise * temperature.unsqueeze(1) * logScale.exp();
        Tensor logDensity = StandardNormal.LogProb(noise) - temperature.log() * Width - logScale.sum(-1);
        return new(z.MoveToOuterDisposeScope(), logDensity.MoveToOuterDisposeScope());
    }
}
