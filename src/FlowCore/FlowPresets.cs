using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowCore;

/// <summary>
/// The sizes of a preset and the nonlinearity of its networks; null where the preset's own default is meant. Levels, of images
/// alone, halve height and width; layers are those of a level there. relu reacts most sharply to rows unlike the data; tanh makes
/// the smoothest densities.
/// </summary>
public sealed record PresetSizes(int? Layers = null, int? Hidden = null, Activation? Activation = null, int? Levels = null);

/// <summary>Which columns lie so far from 0, for their spread, that float32 rounds their mean away.</summary>
public sealed record FarFromZero(bool Features, bool Contexts)
{
    public static FarFromZero Of(Table table) => new(
        Standardization.NeedsTwoParts(ColumnFacts.Of(table)),
        table.Context is { } context && Standardization.NeedsTwoParts(ColumnFacts.Of(context)));
}

/// <summary>
/// Flows that are known to work on tables, by name. A preset is nothing but a <see cref="FlowSpec"/> with sizes: it standardises
/// first, in the data's own units, after dequantising the columns that need it. All have a linear layer, which starts as the whitening
/// of what reaches it: with networks that start as nothing, the whole flow starts as the rows' Gaussian, or their linear regression on the
/// context, and learns on from there.
/// </summary>
public static class FlowPresets
{
    // Of a few hundred rows, eight layers of few bins tell strange ones better than five of eight bins do, for two nats of density.
    private const int CouplingBins = 4;

    // Of more features each linear layer has more weights than the splines beside it, and than rows could tell.
    private const int MostMixed = 256;

    // Of one affine map, and of all that transform a feature together: e^8 leaves float32 three or four digits.
    private const double LargestLogScale = 2, MostLogScale = 8;

    public const string Simple = "simple", RealNvp = "realnvp", Nsf = "nsf", Maf = "maf", NsfAutoregressive = "nsf-ar", Mixture = "gmm";

    /// <summary>Splines over a mixture of normals.</summary>
    public const string NsfMixture = "nsf-gmm", NsfAutoregressiveMixture = "nsf-ar-gmm";

    public static readonly IReadOnlyList<string> Names = [RealNvp, Nsf, Maf, NsfAutoregressive, Simple, Mixture, NsfMixture, NsfAutoregressiveMixture];

    /// <summary>Whether the base is a mixture, fitted to the rows where training starts.</summary>
    public static bool HasMixture(string preset) => preset is Mixture or NsfMixture or NsfAutoregressiveMixture;

    /// <param name="preset">One of <see cref="Names"/>.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="width">The number of features: at least 2 where couplings transform some given the others.</param>
    /// <param name="steps">For each feature the distance between its neighbouring values, 0 for a continuous one; null for none.</param>
    /// <param name="sizes">Layers and hidden width, where the defaults do not do.</param>
    /// <param name="context">The columns that the flow is conditioned on, or the number of classes; null for nothing.</param>
    /// <param name="farFromZero">Whether the features, and the contexts, have means that float32 holds only in two parts.</param>
    public static FlowSpec Create(
        string preset, string name, int width, double[]? steps = null, PresetSizes? sizes = null, ContextSpec? context = null,
        FarFromZero? farFromZero = null)
    {
        if (width < 2 && preset is not (Maf or NsfAutoregressive or NsfAutoregressiveMixture or Mixture))
            throw new SpecException($"event_shape: the flow '{preset}' is made of couplings and needs at least 2 features, the data have {width}; maf, nsf-ar, nsf-ar-gmm and gmm take one");
        sizes ??= new();
        Activation activation = sizes.Activation ?? Activation.Relu;
        IEnumerable<BijectionSpec> body = preset switch
        {
            Mixture => [],
            Simple => SimpleLayers(sizes.Layers ?? 2),
            RealNvp => RealNvpLayers(width, sizes.Layers ?? 8, sizes.Hidden ?? 64, activation),
            Nsf or NsfMixture => NsfLayers(width, sizes.Layers ?? 8, i => SplineCoupling(i, sizes.Hidden ?? 64, activation)),
            Maf => MafLayers(width, sizes.Layers ?? 5, sizes.Hidden ?? 64, activation),
            NsfAutoregressive or NsfAutoregressiveMixture => NsfLayers(width, sizes.Layers ?? 3, _ => SplineAutoregressive(sizes.Hidden ?? 64, activation)),
            _ => throw new SpecException($"the flow '{preset}' is unknown; there are {string.Join(", ", Names)}"),
        };
        BijectionSpec[] spread = steps is not null && steps.Any(step => step > 0) ? [new DequantizeSpec { Steps = steps }] : [];
        BijectionSpec[] standardize = [.. Enumerable.Repeat(new StandardizeSpec(), farFromZero?.Features == true ? 2 : 1)];
        var spec = new FlowSpec
        {
            Name = name,
            EventShape = [width],
            Context = Standardized(context, farFromZero?.Contexts == true),
            Bijections = [.. spread, .. standardize, .. context is null ? [] : new[] { Regression }, .. body],
            Base = new StandardNormalSpec(),
        };
        return HasMixture(preset) ? OverMixture(spec, components: 1, hasFront: false) : spec;
    }

    /// <summary>
    /// A flow over a mixture of normals with full covariances, with the front that takes in tails or without it: while networks start as nothing, it
    /// starts as the mixture that was fitted to the same rows.
    /// </summary>
    internal static FlowSpec OverMixture(FlowSpec spec, int components, bool hasFront)
    {
        IEnumerable<BijectionSpec> body = spec.Bijections.Where(bijection => bijection is not ElementwiseSpec { Element: ArcsinhElementSpec });
        int units = body.TakeWhile(bijection => bijection is DequantizeSpec or StandardizeSpec).Count();
        return spec with
        {
            Bijections = [.. body.Take(units), .. hasFront ? new[] { Front } : [], .. body.Skip(units)],
            Base = new GaussianMixtureSpec { Components = components, Covariance = MixtureCovariance.Full },
        };
    }

    // Takes in each feature's skew and heavy tails.
    private static BijectionSpec Front => new ElementwiseSpec { Element = new ArcsinhElementSpec() };

    // What a linear regression on the context leaves over is what the body learns; it starts as that, and learns on.
    private static BijectionSpec Regression => new ElementwiseSpec
    {
        Element = new AffineElementSpec { Scale = ScaleMap.None },
        Conditioner = new LinearConditionerSpec(),
    };

    // Floats in units of their own spread reach the networks; a class arrives as one-hot.
    private static ContextSpec? Standardized(ContextSpec? context, bool isFar) => context is { Classes: null }
        ? context with { Embedding = [.. Enumerable.Repeat(new StandardizeLayerSpec(), isFar ? 2 : 1)] }
        : context;

    /// <summary>Affine couplings of one linear layer each; the halves change places from layer to layer.</summary>
    private static IEnumerable<BijectionSpec> SimpleLayers(int layers)
    {
        yield return new LinearSpec();
        for (int i = 0; i < layers; i++)
            yield return new CouplingSpec
            {
                Mask = i % 2 == 0 ? CouplingMask.SecondHalf : CouplingMask.FirstHalf,
                Element = Affine((layers + 1) / 2),
                Conditioner = new LinearConditionerSpec(),
            };
    }

    /// <summary>Dinh, Sohl-Dickstein, Bengio 2017 (arXiv 1605.08803) for vectors, with ActNorm in the place of batch norm.</summary>
    private static IEnumerable<BijectionSpec> RealNvpLayers(int width, int layers, int hidden, Activation activation)
    {
        yield return new LinearSpec();
        for (int i = 0; i < layers; i++)
        {
            yield return new ActNormSpec();
            yield return new CouplingSpec
            {
                Mask = i % 2 == 0 ? CouplingMask.SecondHalf : CouplingMask.FirstHalf,
                Element = Affine((layers + 1) / 2),
                Conditioner = new MlpSpec { Hidden = [hidden, hidden], Activation = activation },
            };
            // After both halves have been transformed, others make up the halves.
            if (i % 2 == 1 && i + 1 < layers && width > 2)
                yield return new PermutationSpec { Order = FeatureOrder.Shuffle, Seed = (ulong)i };
        }
    }

    /// <summary>
    /// Durkan, Bekasov, Murray, Papamakarios 2019 (arXiv 1906.04032): a permutation and a linear layer before each layer of splines, coupling or autoregressive,
    /// and a linear layer at the end; of very many features a single linear layer, in front.
    /// In front, each feature's skew and heavy tails are taken in, for a spline is the identity outside its bounds: without that, a
    /// single outlier's log density is a square of its distance.
    /// </summary>
    private static IEnumerable<BijectionSpec> NsfLayers(int width, int layers, Func<int, BijectionSpec> splines)
    {
        yield return Front;
        if (width > MostMixed)
            yield return new LinearSpec();
        for (int i = 0; i < layers; i++)
        {
            // Of two features every layer transforms the one that the layer before has kept.
            if (width > 2)
                yield return new PermutationSpec { Order = FeatureOrder.Shuffle, Seed = (ulong)i };
            if (width <= MostMixed)
                yield return new LinearSpec();
            yield return splines(i);
        }
        if (width <= MostMixed)
            yield return new LinearSpec();
    }

    /// <summary>An affine map; so many of them transform each feature, and together scale it by no more than float32 can take back.</summary>
    private static AffineElementSpec Affine(int times) =>
        new() { Scale = ScaleMap.Tanh, Bound = Math.Min(LargestLogScale, MostLogScale / times) };

    private static CouplingSpec SplineCoupling(int layer, int hidden, Activation activation) => new()
    {
        Mask = layer % 2 == 0 ? CouplingMask.Odd : CouplingMask.Even,
        Element = new SplineElementSpec { Bins = CouplingBins },
        Conditioner = new ResidualNetSpec { Width = hidden, Activation = activation },
    };

    private static AutoregressiveSpec SplineAutoregressive(int hidden, Activation activation) =>
        new() { Element = new SplineElementSpec(), Conditioner = new MadeSpec { Hidden = [hidden, hidden], Activation = activation } };

    /// <summary>
    /// Papamakarios, Pavlakou, Murray 2017 (arXiv 1705.07057) with ActNorm in the place of batch norm; the order is reversed from layer
    /// to layer. Scoring takes one pass, sampling one for each feature.
    /// </summary>
    private static IEnumerable<BijectionSpec> MafLayers(int width, int layers, int hidden, Activation activation)
    {
        yield return new LinearSpec();
        for (int i = 0; i < layers; i++)
        {
            yield return new ActNormSpec();
            yield return new AutoregressiveSpec
            {
                Element = Affine(layers),
                Conditioner = new MadeSpec { Hidden = [hidden, hidden], Activation = activation },
                Order = i % 2 == 0 ? null : [.. Enumerable.Range(0, width).Reverse()],
            };
        }
    }
}
