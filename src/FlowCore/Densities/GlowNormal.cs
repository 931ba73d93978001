using FlowCore.Engines.Compiled;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent normals with one mean and one standard deviation a channel, Glow's way (normflows' GlowBase).</summary>
public sealed record GlowNormalSpec : BaseDensitySpec
{
    public required int Channels { get; init; }

    /// <summary>The factor of the learned log-factors.</summary>
    public double LogscaleFactor { get; init; } = 3.0;

    /// <summary>Whether a class adds its own means and log standard deviations.</summary>
    public bool ByClass { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        if (Channels < 1 || latent.Width % Channels != 0)
            throw at.Refusal("channels", $"{Channels} channels do not divide {latent.Width} values");
        at.Number("logscale_factor", LogscaleFactor, largest: 100);
        if (ByClass && latent.Classes < 1)
            throw at.Refusal("by_class", "needs a context with classes, and no embedding in front of it");
        foreach (string name in (string[])["loc", "loc_logs", "log_scale", "log_scale_logs"])
            at.Need(name, Channels);
        foreach (string name in ByClass ? (string[])["loc_cc", "log_scale_cc"] : [])
            at.Need(name, latent.Classes, Channels);
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights)
    {
        double[] loc = Spread(weights, "loc"), logScale = Spread(weights, "log_scale");
        int pixels = width / Channels;
        double[] both = [.. Enumerable.Range(0, 2 * width).Select(i => i < width ? loc[i / pixels] : logScale[(i - width) / pixels])];
        if (!ByClass)
        {
            to.Normal(first, width, both[..width], both[width..]);
            return;
        }
        to.Normal(first, width, (network, context) =>
        {
            double[] classLoc = weights.Take("loc_cc", context.Units, Channels), classScale = weights.Take("log_scale_cc", context.Units, Channels);
            var table = new double[2 * width, context.Units];
            for (int c = 0; c < context.Units; c++)
                for (int i = 0; i < width; i++)
                    (table[i, c], table[width + i, c]) = (classLoc[c * Channels + i / pixels], classScale[c * Channels + i / pixels]);
            return network.Linear(context, table, both, null);
        });
    }

    private double[] Spread(WeightScope weights, string name) =>
        [.. weights.Take(name, Channels).Zip(weights.Take($"{name}_logs", Channels), (value, logs) => value * Math.Exp(logs * LogscaleFactor))];
}

/// <summary>
/// Channel c: mean loc_c exp(f loc_logs_c), log standard deviation log_scale_c exp(f log_scale_logs_c), f being the log-scale
/// factor; a class adds loc_cc[class, c] and log_scale_cc[class, c] (Kingma, Dhariwal 2018).
/// </summary>
public sealed class GlowNormal : NormalDensity
{
    private readonly GlowNormalSpec spec;
    private readonly Parameter loc;
    private readonly Parameter loc_logs;
    private readonly Parameter log_scale;
    private readonly Parameter log_scale_logs;
    private readonly Parameter? loc_cc;
    private readonly Parameter? log_scale_cc;

    public GlowNormal(GlowNormalSpec spec, int width, int classes) : base(nameof(GlowNormal), width)
    {
        this.spec = spec;
        loc = new Parameter(zeros(spec.Channels));
        loc_logs = new Parameter(zeros(spec.Channels));
        log_scale = new Parameter(zeros(spec.Channels));
        log_scale_logs = new Parameter(zeros(spec.Channels));
        loc_cc = spec.ByClass ? new Parameter(zeros(classes, spec.Channels)) : null;
        log_scale_cc = spec.ByClass ? new Parameter(zeros(classes, spec.Channels)) : null;
        RegisterComponents();
    }

    protected override (Tensor Mean, Tensor LogScale) Parameters(Tensor? context) =>
        (Spread(loc, loc_logs, loc_cc, context), Spread(log_scale, log_scale_logs, log_scale_cc, context));

    // [1 or batch, channels] to [1 or batch, width]: each channel's value over all its pixels.
    private Tensor Spread(Tensor values, Tensor logs, Tensor? byClass, Tensor? context)
    {
        Tensor channels = (values * (logs * spec.LogscaleFactor).exp()).unsqueeze(0);
        if (byClass is not null)
            channels = channels + context!.mm(byClass);
        return channels.repeat_interleave(Width / spec.Channels, 1);
    }
}
