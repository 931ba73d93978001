using System.Text.Json.Serialization;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>How a matrix is stored.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MatrixForm>))]
public enum MatrixForm
{
    /// <summary>As itself.</summary>
    [JsonStringEnumMemberName("plain")]
    Plain,

    /// <summary>As P L (U + diag(sign exp(log_diagonal))): the log-determinant is a sum.</summary>
    [JsonStringEnumMemberName("plu")]
    Plu,
}

/// <summary>The settings of <see cref="InvertibleMatrix"/>.</summary>
public sealed record MatrixSpec : BijectionSpec
{
    public MatrixForm Form { get; init; } = MatrixForm.Plu;

    /// <summary>Whether the matrix multiplies row vectors from the right: z = x W instead of z = W x.</summary>
    public bool FromRight { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Known("form", Form);
        foreach (string name in Form == MatrixForm.Plain ? (string[])["weight"] : ["permutation", "lower", "upper"])
            at.Need(name, shape.Channels, shape.Channels);
        foreach (string name in Form == MatrixForm.Plain ? (string[])[] : ["log_diagonal", "sign"])
            at.Need(name, shape.Channels);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        int n = shape.Channels;
        void Multiply(Formula matrix, Formula logDet) => to.Affine(AffineMap.Linear(FromRight ? matrix.Transposed() : matrix), logDet, inverse);
        if (Form == MatrixForm.Plain)
        {
            Formula weight = weights.Take("weight", n, n);
            Multiply(weight, weight.LogAbsDet());
            return;
        }
        Formula logDiagonal = weights.Take("log_diagonal", n), none = Formula.Fixed(0);
        Formula diagonal = logDiagonal.Exp() * Formula.Fixed(weights.Read("sign", n));
        (Formula Matrix, Formula LogDet)[] factors =
        [
            (weights.Take("upper", n, n).UpperWith(diagonal), logDiagonal.Sum()),
            (weights.Take("lower", n, n).UnitLower(), none),
            (Formula.Fixed(weights.Read("permutation", n, n)), none),
        ];
        // x meets the upper triangle first; from the right, or on the way back, the permutation.
        foreach (var (matrix, logDet) in FromRight == inverse ? factors : factors.Reverse())
            Multiply(matrix, logDet);
    }
}

/// <summary>
/// z = W x on the features of a vector, or on the channels of every pixel of an image: Glow's invertible 1x1 convolution
/// (Kingma, Dhariwal 2018, arXiv 1807.03039). W is put together, and inverted, in float64.
/// </summary>
public sealed class InvertibleMatrix : Bijection
{
    private readonly MatrixSpec spec;
    private readonly Parameter? weight;
    private readonly Tensor? permutation;
    private readonly Parameter? lower;
    private readonly Parameter? upper;
    private readonly Parameter? log_diagonal;
    private readonly Tensor? sign;

    public InvertibleMatrix(MatrixSpec spec, int size) : base(nameof(InvertibleMatrix))
    {
        this.spec = spec;
        if (spec.Form == MatrixForm.Plain)
            weight = new Parameter(eye(size));
        else
        {
            permutation = eye(size);
            lower = new Parameter(zeros(size, size));
            upper = new Parameter(zeros(size, size));
            log_diagonal = new Parameter(zeros(size));
            sign = ones(size);
        }
        RegisterComponents();
    }

    /// <summary>The number of features, or channels.</summary>
    internal int Size => (int)(weight ?? lower!).shape[0];

    /// <summary>Becomes this matrix, which must be invertible.</summary>
    internal void Set(Tensor matrix)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        if (weight is not null)
        {
            weight.copy_(matrix);
            return;
        }
        var (p, l, u) = linalg.lu(matrix.to(float64));
        Tensor diagonal = u.diag();
        permutation!.copy_(p);
        lower!.copy_(l.tril(-1));
        upper!.copy_(u.triu(1));
        log_diagonal!.copy_(diagonal.abs().log());
        sign!.copy_(diagonal.sign());
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor matrix = Matrix();
        return Multiplied(x, matrix.to(x.dtype), LogAbsDet(matrix));
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor matrix = Matrix();
        return Multiplied(z, linalg.inv(matrix).to(z.dtype), -LogAbsDet(matrix));
    }

    private Tensor Matrix()
    {
        Tensor matrix = weight?.to(float64) ?? FromFactors();
        return spec.FromRight ? matrix.t() : matrix;
    }

    private Tensor FromFactors()
    {
        Tensor unit = eye(sign!.shape[0], dtype: float64, device: sign.device);
        Tensor left = lower!.to(float64).tril(-1) + unit;
        Tensor right = upper!.to(float64).triu(1) + (sign.to(float64) * log_diagonal!.to(float64).exp()).diag();
        return permutation!.to(float64).mm(left).mm(right);
    }

    private Tensor LogAbsDet(Tensor matrix) => log_diagonal is null ? linalg.slogdet(matrix).Item2 : log_diagonal.to(float64).sum();

    private static Mapped Multiplied(Tensor values, Tensor matrix, Tensor logDet)
    {
        bool image = values.dim() == 4;
        Tensor product = image
            ? ImageConvolution.Of(values, matrix.unsqueeze(-1).unsqueeze(-1), bias: null)
            : nn.functional.linear(values, matrix);
        long pixels = image ? values.shape[2] * values.shape[3] : 1;
        Tensor each = zeros(values.shape[0], values.dtype, values.device) + (logDet * pixels).to(values.dtype);
        return new(product.MoveToOuterDisposeScope(), each.MoveToOuterDisposeScope());
    }
}
