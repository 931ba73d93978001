using System.Numerics;
using System.Text.Json.Serialization;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;

namespace FlowCore;

/// <summary>
/// What a flow is made of: the content of a checkpoint's <c>flow.json</c>. Bijections are listed in the order that data
/// pass on their way to the latents.
/// </summary>
public sealed record FlowSpec
{
    public const int CurrentFormat = 1;

    /// <summary>The version of this file format; a reader refuses one that it does not know.</summary>
    public int FormatVersion { get; init; } = CurrentFormat;

    public required string Name { get; init; }

    /// <summary>The shape of one datum: <c>[D]</c>, <c>[C, H, W]</c>, or <c>[channels, frames]</c> of a sound.</summary>
    public required int[] EventShape { get; init; }

    /// <summary>The names of the columns that the model was trained on, in order; null where the data had none.</summary>
    public string[]? Features { get; init; }

    /// <summary>Columns of the data that tell nothing of a row, since they were constant: readers pass over them. Null where there are none.</summary>
    public string[]? Ignored { get; init; }

    /// <summary>What values the pixels of its images take; null where that is not known.</summary>
    public PixelValues? Pixels { get; init; }

    /// <summary>What the flow is conditioned on; null for an unconditional flow.</summary>
    public ContextSpec? Context { get; init; }

    /// <summary>For a vocoder, what its sound is, and how its mels are taken; null for other flows.</summary>
    public SoundSpec? Sound { get; init; }

    public required BijectionSpec[] Bijections { get; init; }

    [JsonPropertyName("base")]
    public BaseDensitySpec Base { get; init; } = new StandardNormalSpec();

    /// <summary>The weights that belong to this description; null until a checkpoint is written.</summary>
    public WeightsRecord? Weights { get; init; }

    public Provenance? Provenance { get; init; }

    public TrainingRecord? Training { get; init; }

    /// <summary>The number of values in one datum, and so in one latent.</summary>
    [JsonIgnore]
    public int Width => EventShape.Aggregate(1, (product, size) => checked(product * size));

    /// <summary>The number of values that the context leaves open: all of them, but for images whose context is their own means.</summary>
    [JsonIgnore]
    public int FreeWidth => Width - (Context?.BlockMeans is null ? 0 : ContextWidth);

    /// <summary>The number of context values that a request sends with each row: 0 without a condition, 1 for a class.</summary>
    [JsonIgnore]
    public int ContextWidth => Context?.Width ?? 0;

    /// <summary>What is said to who gives an unconditional model a context.</summary>
    public static string TakesNoContext(string model) => $"model '{model}' takes no context; leave it out";
}

/// <summary>
/// The condition of a flow: a row of <see cref="Size"/> floats, an image of <see cref="Shape"/>, or one integer below
/// <see cref="Classes"/>.
/// </summary>
public sealed record ContextSpec
{
    public int? Size { get; init; }

    /// <summary>The shape of a context that is an image: <c>[C, h, w]</c>. A request sends its values flat, channel by channel.</summary>
    public int[]? Shape { get; init; }

    public int? Classes { get; init; }

    /// <summary>
    /// Where the context is the image itself, down-sampled: the side of the blocks whose means it is. Null where it is something else.
    /// </summary>
    public int? BlockMeans { get; init; }

    /// <summary>The names of the context columns, in order; null where they have none.</summary>
    public string[]? Features { get; init; }

    /// <summary>The columns of categories that the classes stand for; null where they stand for themselves.</summary>
    public CategorySpec? Categories { get; init; }

    /// <summary>
    /// The encoder, a network in front: what the flow is conditioned on is its output, computed once for rows that share a context. Null
    /// for the context itself.
    /// </summary>
    public LayerSpec[]? Embedding { get; init; }

    /// <summary>The number of values that a request sends for one row.</summary>
    [JsonIgnore]
    public int Width => Classes is null ? EncodedWidth : 1;

    /// <summary>The number of values that reach the embedding, or the conditioners: a class arrives there as one-hot.</summary>
    [JsonIgnore]
    public int EncodedWidth => Classes ?? Size ?? Shape?.Aggregate(1, (product, size) => product * size) ?? 0;

    /// <summary>The place in front of the embedding.</summary>
    [JsonIgnore]
    internal LayerPlace Place => Shape is null ? new(EncodedWidth, 0) : LayerPlace.Of(FlowCore.EventShape.Of(Shape, 0));
}

/// <summary>The file that holds the weights, and the SHA-256 (hexadecimal) of its bytes.</summary>
public sealed record WeightsRecord(string File, string Sha256);

/// <summary>Where a model came from: <c>flow train</c> and its command, or a foreign library and its version.</summary>
public sealed record Provenance
{
    public required string Source { get; init; }

    public string? Version { get; init; }

    public string? Commit { get; init; }

    public string? Command { get; init; }

    public string? Data { get; init; }

    public string? DataSha256 { get; init; }

    public DateTimeOffset? Created { get; init; }
}

/// <summary>The facts of a training run. Log-likelihoods are in nats per row, in the data's own units.</summary>
public sealed record TrainingRecord
{
    public ulong Seed { get; init; }

    public int Rows { get; init; }

    public int ValidationRows { get; init; }

    public int TestRows { get; init; }

    public int Epochs { get; init; }

    public double Seconds { get; init; }

    public int SkippedSteps { get; init; }

    public double MeanTestLogLikelihood { get; init; }

    public double MedianTestLogLikelihood { get; init; }

    public double GaussianMeanTestLogLikelihood { get; init; }

    public double GaussianMedianTestLogLikelihood { get; init; }

    /// <summary>What the columns of a table were like in training, in the order of the features; null of images, and of older models.</summary>
    public ColumnRecord[]? Columns { get; init; }
}

/// <summary>What a column was like in training.</summary>
/// <param name="Type">integer or number.</param>
/// <param name="Least">The least value of the training rows.</param>
/// <param name="Largest">The largest value of the training rows.</param>
/// <param name="Transform">dequantized where it was spread by noise in training, over its <paramref name="Step"/>; null for none. What the flow itself does stands among its bijections.</param>
/// <param name="Step">The distance between neighbouring values of a dequantized column.</param>
public sealed record ColumnRecord(string Type, double Least, double Largest, string? Transform = null, double? Step = null);

/// <summary>One kind of bijection with its settings. A new kind is one line here, one in <see cref="FlowBuilder"/>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(CouplingSpec), "coupling")]
[JsonDerivedType(typeof(AutoregressiveSpec), "autoregressive")]
[JsonDerivedType(typeof(ElementwiseSpec), "elementwise")]
[JsonDerivedType(typeof(InvertedSpec), "inverted")]
[JsonDerivedType(typeof(SqueezeSpec), "squeeze")]
[JsonDerivedType(typeof(UnsqueezeSpec), "unsqueeze")]
[JsonDerivedType(typeof(TimeSqueezeSpec), "time_squeeze")]
[JsonDerivedType(typeof(SplitSpec), "split")]
[JsonDerivedType(typeof(PermutationSpec), "permutation")]
[JsonDerivedType(typeof(LinearSpec), "linear")]
[JsonDerivedType(typeof(MatrixSpec), "matrix")]
[JsonDerivedType(typeof(RotationSpec), "rotation")]
[JsonDerivedType(typeof(PlanarSpec), "planar")]
[JsonDerivedType(typeof(HouseholderSpec), "householder")]
[JsonDerivedType(typeof(ActNormSpec), "act_norm")]
[JsonDerivedType(typeof(BatchNormSpec), "batch_norm")]
[JsonDerivedType(typeof(ScaleShiftSpec), "scale_shift")]
[JsonDerivedType(typeof(SoftclipSpec), "softclip")]
[JsonDerivedType(typeof(LeakyReluSpec), "leaky_relu")]
[JsonDerivedType(typeof(LogTanhSpec), "log_tanh")]
[JsonDerivedType(typeof(WrapSpec), "wrap")]
[JsonDerivedType(typeof(StandardizeSpec), "standardize")]
[JsonDerivedType(typeof(LogitSpec), "logit")]
[JsonDerivedType(typeof(LogarithmSpec), "logarithm")]
[JsonDerivedType(typeof(DequantizeSpec), "dequantize")]
[JsonDerivedType(typeof(HaarSpec), "haar")]
[JsonDerivedType(typeof(FlowCouplingSpec), "flow_coupling")]
public abstract record BijectionSpec
{
    /// <summary>Refuses, by field, what cannot be at this place, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal abstract void Check(SpecScope at, EventShape shape);

    /// <summary>Refuses weights under which it would be no bijection.</summary>
    /// <exception cref="FlowException">The message names the field, or the tensor.</exception>
    internal virtual void CheckWeights(SpecScope at, EventShape shape, WeightScope weights)
    {
    }

    /// <summary>The shape behind it.</summary>
    internal virtual EventShape After(EventShape shape) => shape;

    /// <summary>Checks the weights of bijections in order.</summary>
    internal static void CheckWeights(BijectionSpec[] specs, SpecScope at, string list, EventShape shape, WeightScope weights)
    {
        for (int i = 0; i < specs.Length; shape = specs[i].After(shape), i++)
            specs[i].CheckWeights(at.In(list, i), shape, weights.In(list, i));
    }

    /// <summary>Checks bijections in order; the shape behind the last one.</summary>
    internal static EventShape Check(BijectionSpec[] specs, SpecScope at, string list, EventShape shape)
    {
        at.List(specs, list);
        for (int i = 0; i < specs.Length; shape = specs[i].After(shape), i++)
            specs[i].Check(at.In(list, i), shape);
        return shape;
    }

    /// <summary>Writes one direction of it into a compiled program; <paramref name="shape"/> is the event's on the data's side.</summary>
    /// <exception cref="NotCompiledException">The compiled engine does not run this kind; TorchEngine does.</exception>
    internal virtual void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        throw new NotCompiledException($"{GetType().Name[..^4]} is not compiled");
}

/// <summary>One kind of monotone map of a single feature.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(AffineElementSpec), "affine")]
[JsonDerivedType(typeof(SplineElementSpec), "spline")]
[JsonDerivedType(typeof(GaussianizationElementSpec), "gaussianization")]
[JsonDerivedType(typeof(SumOfSquaresElementSpec), "sum_of_squares")]
[JsonDerivedType(typeof(BernsteinElementSpec), "bernstein")]
[JsonDerivedType(typeof(ArcsinhElementSpec), "arcsinh")]
[JsonDerivedType(typeof(MonotonicNetworkElementSpec), "monotonic_network")]
[JsonDerivedType(typeof(IntegralElementSpec), "integral")]
[JsonDerivedType(typeof(MixtureElementSpec), "mixture")]
public abstract record ElementSpec : ICompiledElement
{
    /// <summary>Refuses, by field, what cannot be done to values of this shape, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal abstract void Check(SpecScope at, EventShape shape);

    /// <summary>The number of raw parameters of each feature.</summary>
    internal abstract int ParameterCount { get; }

    /// <summary>The same, once it is checked as an element of so many features.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal int CheckedParameterCount(int features)
    {
        Check(new SpecScope("element", new()), new EventShape([features], 0));
        return ParameterCount;
    }

    /// <summary>More parameters, which depend on nothing: one list each, with a value for every channel.</summary>
    internal virtual Formula[] CompileConstants(WeightScope weights, int channels) => [];

    /// <summary>What the compiled engine runs: itself; or, where it has weights, with them, once for all channels or for each.</summary>
    internal virtual ICompiledElement[] WithWeights(WeightScope weights, int channels) => [this];

    /// <summary>The element as the compiled engine runs it.</summary>
    /// <exception cref="NotCompiledException">The compiled engine does not run this kind; TorchEngine does.</exception>
    internal virtual ElementKernel<T> Compile<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => throw new NotCompiledException($"{GetType().Name[..^4]} is not compiled");

    ElementKernel<T> ICompiledElement.Compile<T>() => Compile<T>();
}

/// <summary>One kind of network that emits the parameters of a bijection: a name for a list of layers.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(LinearConditionerSpec), "linear")]
[JsonDerivedType(typeof(MlpSpec), "mlp")]
[JsonDerivedType(typeof(ResidualNetSpec), "residual_net")]
[JsonDerivedType(typeof(MadeSpec), "made")]
[JsonDerivedType(typeof(SequenceSpec), "sequence")]
public abstract record ConditionerSpec
{
    /// <summary>Refuses, by field, what cannot lead from these inputs to so many outputs, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal virtual void Check(SpecScope at, EventShape inputs, long outputs)
    {
        if (outputs > SpecScope.MostValues / inputs.Pixels)
            throw at.Refusal("", $"would have to emit {outputs} values, more than {SpecScope.MostValues / inputs.Pixels}");
        LayerPlace end = LayerSpec.Check(Layers((int)outputs), at, this is SequenceSpec ? "steps" : "layers", "layers", LayerPlace.Of(inputs));
        if (end.Width != outputs)
            throw at.Refusal("", $"emits {end.Width} values, the bijection needs {outputs}");
        if (end.Image != LayerPlace.Of(inputs).Image)
            throw at.Refusal("", $"emits an image of {end.Pixels} pixels, the bijection needs {inputs.Pixels}");
    }

    /// <summary>Hidden layers of a width each, with a nonlinearity between them.</summary>
    private protected static void CheckHidden(SpecScope at, int[] hidden, Activation activation)
    {
        if (at.Given(hidden, "hidden").Length > SpecScope.MostParts / 2)
            throw at.Refusal("hidden", $"{hidden.Length} are more than {SpecScope.MostParts / 2}");
        foreach (int width in hidden)
            at.Width("hidden", width, pixels: 1);
        activation.Check(at, "activation");
    }

    /// <exception cref="SpecException">An image comes in.</exception>
    private protected static void NeedsVector(SpecScope at, EventShape inputs)
    {
        if (inputs.IsImage)
            throw at.Refusal("kind", "needs a vector event");
    }

    /// <summary>The layers that lead to so many outputs.</summary>
    public abstract LayerSpec[] Layers(int outputs);
}

/// <summary>One kind of density over the latents.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(StandardNormalSpec), "standard_normal")]
[JsonDerivedType(typeof(DiagonalNormalSpec), "diagonal_normal")]
[JsonDerivedType(typeof(ConditionalNormalSpec), "conditional_normal")]
[JsonDerivedType(typeof(ClassNormalSpec), "class_normal")]
[JsonDerivedType(typeof(GlowNormalSpec), "glow_normal")]
[JsonDerivedType(typeof(GaussianMixtureSpec), "gaussian_mixture")]
[JsonDerivedType(typeof(BoxUniformSpec), "box_uniform")]
[JsonDerivedType(typeof(UniformNormalSpec), "uniform_normal")]
[JsonDerivedType(typeof(LevelsSpec), "levels")]
[JsonDerivedType(typeof(GivenSpec), "given")]
[JsonDerivedType(typeof(FlowBaseSpec), "flow")]
public abstract record BaseDensitySpec
{
    /// <summary>Refuses, by field, what cannot be the density of such latents, and states the tensors that are needed there.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    internal abstract void Check(SpecScope at, LatentPlace latent);

    /// <summary>Refuses weights under which it would be no density.</summary>
    /// <exception cref="FlowException">The message names the field, or the tensor.</exception>
    internal virtual void CheckWeights(SpecScope at, LatentPlace latent, WeightScope weights)
    {
    }

    /// <summary>The number of standard normal noise values behind so many values of a latent.</summary>
    internal virtual int NoiseWidth(int width) => width;

    /// <summary>The density of a latent's values from <c>first</c> on, as the compiled engine computes it.</summary>
    /// <exception cref="NotCompiledException">The compiled engine does not run this kind; TorchEngine does.</exception>
    internal virtual void Compile(DensityCompiler to, int first, int width, WeightScope weights) =>
        throw new NotCompiledException($"{GetType().Name[..^4]} is not compiled");
}
