using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>(v - mean) / sqrt(variance + epsilon) over the values of a row, the variance divided by n - 1.</summary>
internal sealed class NormOperation(Region input, Region output, int count, double epsilon) : Operation
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new NormStep<T>(input, output, count, epsilon);

    // The mean and the deviation stand behind the lanes.
    public override void Emit(KernelText text)
    {
        text.Use("""
            template<class TILE> WORD void lane_sums(TILE tile, int first, int count)
            {
                PHASE EACH(TILE::LANES)
                {
                    N sum = 0;
                    for (int k = VALUE; k < count; k += TILE::LANES)
                        sum += tile.at(first + k, ROW);
                    tile.lane(VALUE, ROW) = sum;
                }
            }
            template<class TILE> WORD void norm(TILE tile, int input, int output, int count, double epsilon)
            {
                lane_sums(tile, input, count);
                PHASE EACH_ROW tile.lane(TILE::LANES, row) = (N)(lanes_together(tile, 0, row) / count);
                PHASE EACH(count)
                {
                    N distance = tile.at(input + VALUE, ROW) - tile.lane(TILE::LANES, ROW);
                    tile.at(output + VALUE, ROW) = distance * distance;
                }
                lane_sums(tile, output, count);
                PHASE EACH_ROW tile.lane(TILE::LANES + 1, row) = (N)root(lanes_together(tile, 0, row) / (count - 1) + epsilon);
                PHASE EACH(count)
                    tile.at(output + VALUE, ROW) = (tile.at(input + VALUE, ROW) - tile.lane(TILE::LANES, ROW)) / tile.lane(TILE::LANES + 1, ROW);
            }
            """);
        text.Line($"norm(tile, {input.Offset}, {output.Offset}, {count}, {KernelText.Double(epsilon)});");
    }
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
