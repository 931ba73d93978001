using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>(v - mean) / sqrt(variance + epsilon) over the values of a row, the variance divided by n - 1.</summary>
internal sealed class NormOperation(Region input, Region output, int count, double epsilon) : Operation
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new NormStep<T>(input, output, count, epsilon);
}

internal sealed unsafe class NormStep<T>(Region input, Region output, int count, double epsilon) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(count > 1 && count <= input.Width && count <= output.Width, "The units lie within both rows.");
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width, to = tile.At(output) + row * output.Width;
            T mean = T.CreateTruncating(Kernels.VectorMath.Sum(from, count) / count);
            for (int i = 0; i < count; i++)
                to[i] = (from[i] - mean) * (from[i] - mean);
            T deviation = T.CreateTruncating(Math.Sqrt(Kernels.VectorMath.Sum(to, count) / (count - 1) + epsilon));
            for (int i = 0; i < count; i++)
                to[i] = (from[i] - mean) / deviation;
        }
    }

    // With c = v - mean and s the deviation: (g - mean(g)) / s - c sum(g c) / ((n - 1) s^3).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width, to = tile.At(output) + row * output.Width;
            T* adjoint = tile.At(output.Adjoint) + row * output.Adjoint.Width, inner = tile.At(input.Adjoint) + row * input.Adjoint.Width;
            double mean = Kernels.VectorMath.Sum(from, count) / count, square = 0, sum = 0, along = 0;
            for (int i = 0; i < count; i++)
            {
                double centred = double.CreateTruncating(from[i]) - mean;
                square += centred * centred;
            }
            double deviation = Math.Sqrt(square / (count - 1) + epsilon);
            for (int i = 0; i < count; i++)
            {
                sum += double.CreateTruncating(adjoint[i]);
                along += double.CreateTruncating(adjoint[i]) * double.CreateTruncating(to[i]);
            }
            for (int i = 0; i < count; i++)
                inner[i] += T.CreateTruncating(
                    (double.CreateTruncating(adjoint[i]) - sum / count - double.CreateTruncating(to[i]) * along / (count - 1)) / deviation);
        }
    }
}
