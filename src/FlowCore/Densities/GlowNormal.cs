using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
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
        int pixels = width / Channels;
        int[] channels = [.. Enumerable.Range(0, width).Select(i => i / pixels)];
        Formula loc = Channel(weights, "loc").Pick(channels), logScale = Channel(weights, "log_scale").Pick(channels);
        if (!ByClass)
        {
            to.Normal(first, width, loc, logScale);
            return;
        }
        to.Normal(first, width, (network, context) =>
        {
            int classes = context.Units;
            Formula both = Formula.Joined(weights.Take("loc_cc", classes, Channels), weights.Take("log_scale_cc", classes, Channels));
            Formula table = both.Pick(
                [.. from i in Enumerable.Range(0, 2 * width) from c in Enumerable.Range(0, classes) select (i / width * classes + c) * Channels + channels[i % width]]);
            return network.Linear(context, table, Formula.Joined(loc, logScale), null);
        });
    }

    private Formula Channel(WeightScope weights, string name) =>
        weights.Take(name, Channels) * (weights.Take($"{name}_logs", Channels) * LogscaleFactor).Exp();
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
