using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Haar"/>.</summary>
public sealed record HaarSpec : BijectionSpec
{
    internal override void Check(SpecScope at, EventShape shape)
    {
        var (_, height, width) = at.Image(shape);
        if (height % 2 != 0 || width % 2 != 0)
            throw at.Refusal("kind", $"a Haar transform needs even height and width, here they are {height} x {width}");
    }

    internal override EventShape After(EventShape shape) => new SqueezeSpec().After(shape);

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        var squeeze = new SqueezeSpec();
        if (!inverse)
            squeeze.Compile(to, shape, weights, inverse);
        to.Affine(AffineMap.Linear(Formula.Fixed(Haar.Matrix(shape.Channels))), Formula.Fixed(0), inverse);
        if (inverse)
            squeeze.Compile(to, shape, weights, inverse);
    }
}

/// <summary>
/// [C, H, W] to [4 C, H / 2, W / 2]: each 2 x 2 block becomes half of its sum and three details, half of its left minus its right
/// column, upper minus lower row, and main minus other diagonal. The sums are the first C channels, then come the details of each
/// channel. Orthogonal, so that volumes stay (Haar 1910; in flows: Yu, Derpanis, Brubaker 2020, "Wavelet Flow", arXiv 2010.13821).
/// </summary>
public sealed class Haar : Bijection
{
    // By detail, of the pixels (0, 0), (0, 1), (1, 0), (1, 1).
    private static readonly double[][] Signs = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]];

    internal Haar() : base(nameof(Haar))
    {
    }

    /// <summary>What makes the channels of those of a squeeze, <c>[4 C, 4 C]</c>: its inverse is its transpose.</summary>
    internal static double[] Matrix(int channels)
    {
        int side = 4 * channels;
        var matrix = new double[side * side];
        for (int channel = 0; channel < channels; channel++)
            for (int detail = 0; detail < 4; detail++)
                for (int pixel = 0; pixel < 4; pixel++)
                    matrix[(detail == 0 ? channel : channels + 3 * channel + detail - 1) * side + 4 * channel + pixel] = Signs[detail][pixel] / 2;
        return matrix;
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Moved(Multiplied(nn.functional.pixel_unshuffle(x, 2), "oc,bchw->bohw"));
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Moved(nn.functional.pixel_shuffle(Multiplied(z, "co,bchw->bohw"), 2));
    }

    private static Tensor Multiplied(Tensor values, string product)
    {
        int side = (int)values.shape[1];
        return einsum(product, tensor(Matrix(side / 4), [side, side], values.dtype, values.device), values);
    }

    private static Mapped Moved(Tensor values) => new(
        values.MoveToOuterDisposeScope(), zeros(values.shape[0], values.dtype, values.device).MoveToOuterDisposeScope());
}
