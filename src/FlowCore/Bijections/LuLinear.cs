using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Tensors;
using FlowCore.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="LuLinear"/>.</summary>
public sealed record LinearSpec : BijectionSpec
{
    /// <summary>What keeps the diagonal of U away from 0.</summary>
    public double LeastPivot { get; init; } = 1e-3;

    internal override void Check(SpecScope at, EventShape shape)
    {
        if (!(LeastPivot is >= 0 and < 1))
            throw at.Refusal("least_pivot", $"must lie in [0, 1), is {LeastPivot}");
        at.Need("lower", shape.Channels, shape.Channels);
        at.Need("upper", shape.Channels, shape.Channels);
        at.Need("diagonal", shape.Channels);
        at.Need("bias", shape.Channels);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        int n = shape.Channels;
        Formula pivots = weights.Take("diagonal", n).Softplus() + LeastPivot, bias = weights.Take("bias", n);
        AffineMap upper = AffineMap.Linear(weights.Take("upper", n, n).UpperWith(pivots));
        AffineMap lower = AffineMap.Linear(weights.Take("lower", n, n).UnitLower(), bias);
        if (!inverse)
            to.Affine(upper, pivots.Log().Sum(), inverse);
        to.Affine(lower, Formula.Fixed(0), inverse);
        if (inverse)
            to.Affine(upper, pivots.Log().Sum(), inverse);
    }
}

/// <summary>
/// z = L U x + bias with L unit lower and U upper triangular, the diagonal of U being softplus(diagonal) + least pivot
/// (Oliva et al. 2018, arXiv 1801.09819; Kingma, Dhariwal 2018), on the features, or on the channels at every pixel. Only the
/// strict triangles of the two matrices are read.
/// </summary>
public sealed class LuLinear : Bijection
{
    // What is added to the variances before whitening, as a share of their mean: collinear features stay finite.
    private const double Ridge = 1e-6;

    private readonly double leastPivot;
    private readonly EventShape shape;
    private readonly Parameter lower;
    private readonly Parameter upper;
    private readonly Parameter diagonal;
    private readonly Parameter bias;

    internal LuLinear(LinearSpec spec, EventShape shape) : base(nameof(LuLinear))
    {
        leastPivot = spec.LeastPivot;
        this.shape = shape;
        int features = shape.Channels;
        lower = new Parameter(zeros(features, features));
        upper = new Parameter(zeros(features, features));
        // softplus(diagonal) + least pivot = 1: the identity.
        diagonal = new Parameter(full([features], Math.Log(Math.Exp(1 - leastPivot) - 1)));
        bias = new Parameter(zeros(features));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor pivots = Pivots();
        Tensor z = nn.functional.linear(nn.functional.linear(ChannelsLast(x), Upper(pivots)), Lower(), bias);
        return new(ChannelsFirst(z, x).MoveToOuterDisposeScope(), LogDet(pivots, x).MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor pivots = Pivots();
        Tensor columns = (ChannelsLast(z) - bias).t();
        Tensor half = linalg.solve_triangular(Lower(), columns, upper: false, unitriangular: true);
        Tensor x = linalg.solve_triangular(Upper(pivots), half, upper: true).t();
        return new(ChannelsFirst(x, z).contiguous().MoveToOuterDisposeScope(), LogDet(pivots, z).neg_().MoveToOuterDisposeScope());
    }

    /// <summary>The two triangular matrices.</summary>
    internal Parameter[] Factors => [lower, upper];

    /// <summary>
    /// Becomes the whitening of these rows, z = U (x - mean) with U^T U the inverse of their covariance; of few rows one that is drawn towards the
    /// features' own variances (<see cref="Covariances.Shrink"/>).
    /// </summary>
    public void Whiten(Tensor x)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        long rows = x.shape[0], features = x.shape[1];
        Tensor values = x.to(float64), mean = values.mean([0]);
        Tensor centred = values - mean;
        Tensor covariance = centred.t().mm(centred) / rows;
        Tensor identity = eye(features, dtype: float64, device: x.device);
        if (Covariances.AreFew(rows, features))
        {
            double share = Covariances.Shrinkage(new Table(values.contiguous().cpu().data<double>().ToArray(), (int)features));
            covariance = covariance * (1 - share) + covariance.diag().diag() * share;
        }
        Tensor ridge = identity * covariance.diag().mean() * Ridge;
        // With J the reversal of order, J chol(J C J) J is an upper factor R of C = R R^T; its inverse is upper, too.
        Tensor factor = linalg.cholesky((covariance + ridge).flip(0, 1)).flip(0, 1);
        Tensor whitening = linalg.solve_triangular(factor, identity, upper: true);
        Tensor pivots = (whitening.diag() - leastPivot).clamp_min(leastPivot);
        upper.copy_(whitening.triu(1));
        lower.zero_();
        diagonal.copy_(pivots + (-(-pivots).exp()).log1p()); // the inverse of softplus
        bias.copy_(-whitening.mm(mean.unsqueeze(1)).squeeze(1));
    }

    private Tensor Pivots() => ExactSoftplus.Of(diagonal) + leastPivot;

    private Tensor Lower() => lower.tril(-1) + eye(lower.shape[0], dtype: lower.dtype, device: lower.device);

    private Tensor Upper(Tensor pivots) => upper.triu(1) + pivots.diag();

    private Tensor LogDet(Tensor pivots, Tensor rows) =>
        zeros(rows.shape[0], rows.dtype, rows.device) + pivots.log().sum() * shape.Pixels;

    /// <summary>A row for every pixel.</summary>
    private Tensor ChannelsLast(Tensor events) => shape.IsImage ? events.permute(0, 2, 3, 1).reshape(-1, shape.Channels) : events;

    private Tensor ChannelsFirst(Tensor rows, Tensor like) => shape.IsImage
        ? rows.reshape(like.shape[0], like.shape[2], like.shape[3], like.shape[1]).permute(0, 3, 1, 2)
        : rows;
}
