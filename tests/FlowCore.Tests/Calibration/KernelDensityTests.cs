using FlowCore.Calibration;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowCore.Tests.Calibration;

/// <summary>The kernel score is the density that it says it is, in coordinates that are chosen as it says.</summary>
public sealed class KernelDensityTests
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(15, 3)]
    [InlineData(16, 3)]
    [InlineData(300, 3)]
    [InlineData(300, 20)]
    public void It_is_a_mean_of_normal_kernels_in_standard_units(int rows, int width)
    {
        Table table = Normal(rows, width);
        var kernel = KernelDensity.Of(table);
        ScoreCoordinates at = kernel.Coordinates;
        Assert.False(at.AreRanks);
        foreach (float[] some in new float[][] { [0.1f, -0.4f, 2], [5, 5, -5], [-40, 3, 0] })
        {
            float[] row = [.. Enumerable.Range(0, width).Select(column => some[column % some.Length])];
            double most = double.NegativeInfinity;
            var each = new List<double>();
            for (int i = 0; i < rows; i++)
            {
                double square = 0;
                for (int column = 0; column < width; column++)
                    square += Math.Pow((at.Map(column, row[column]) - at.Map(column, (float)table.Values[i * width + column])) / 0.5, 2);
                each.Add(-0.5 * square);
                most = Math.Max(most, each[^1]);
            }
            double expected = most + Math.Log(each.Sum(value => Math.Exp(value - most)) / rows) - width * (0.5 * Math.Log(2 * Math.PI) + Math.Log(0.5));
            Assert.Equal(expected, kernel.LogDensity<float>(row), 1e-4 * (1 + Math.Abs(expected)));
            Assert.Equal(kernel.LogDensity<float>(row), kernel.LogDensity<double>([.. row.Select(value => (double)value)]));
        }
    }

    [Fact]
    public void A_rows_density_does_not_depend_on_those_beside_it_or_on_threads()
    {
        Table table = Normal(1001, 3);
        var kernel = KernelDensity.Of(table);
        double[] alone = [.. Enumerable.Range(0, table.Rows).Select(row => kernel.LogDensity(table.Row(row)))], together = new double[table.Rows], threaded = new double[table.Rows];
        kernel.LogDensities<double>(table.Values, together);
        kernel.LogDensities<double>(table.Values, threaded, threads: 3);

        Assert.Equal(alone, together);
        Assert.Equal(alone, threaded);
    }

    [Fact]
    public void A_table_of_heavy_tails_is_compared_by_ranks()
    {
        Table table = Normal(2000, 2);
        for (int i = 0; i < table.Values.Length; i++)
            table.Values[i] = Math.Sinh(2.5 * table.Values[i]);
        ScoreCoordinates at = ScoreCoordinates.Of(table);
        Assert.True(at.AreRanks);
        double[] mapped = [.. Enumerable.Range(0, 2000).Select(row => (double)at.Map(0, (float)table.Values[row * 2]))];
        // As the normal they were made of, and in the same order.
        Assert.Equal(0, mapped.Average(), 0.02);
        Assert.Equal(1, Math.Sqrt(mapped.Average(value => value * value)), 0.02);
        Assert.Equal(0.5, at.Map(0, (float)Math.Sinh(2.5 * 0.5)), 0.1);
        float[] far = [-1e6f, -1e3f, 0, 1e3f, 1e6f, float.MaxValue];
        Assert.True(far.Zip(far.Skip(1)).All(pair => at.Map(0, pair.First) <= at.Map(0, pair.Second)));
    }

    [Fact]
    public void Equal_values_have_one_rank_and_constant_columns_none()
    {
        var values = new double[3000];
        for (int row = 0; row < 1000; row++)
            (values[row * 3], values[row * 3 + 1], values[row * 3 + 2]) = (row < 990 ? 7 : 1000 + row * row, Math.Pow(row % 40, 9), row % 50 == 0 ? 1e6 * row : 0);
        ScoreCoordinates at = ScoreCoordinates.Of(new Table(values, 3));
        Assert.True(at.AreRanks);
        Assert.True(at.Map(0, 7) < at.Map(0, 1e6f));
        Assert.Equal(at.Map(0, 7), at.Map(0, 7));

        double[] flat = [1, 5, 2, 5, 3, 5];
        ScoreCoordinates constant = ScoreCoordinates.Of(new Table(flat, 2));
        Assert.Equal(constant.Map(1, 5), constant.Map(1, 800));
    }

    [Fact]
    public void What_is_no_number_has_no_density_and_what_is_far_has_little()
    {
        var kernel = KernelDensity.Of(Normal(100, 2));
        Assert.True(double.IsNaN(kernel.LogDensity<float>([float.NaN, 0])));
        double far = kernel.LogDensity<float>([float.MaxValue, float.MinValue]);
        Assert.True(far is < -1e5 and > double.NegativeInfinity);
        Assert.Equal(far, kernel.LogDensity<float>([float.PositiveInfinity, float.NegativeInfinity]));
    }

    private static Table Normal(int rows, int width)
    {
        var values = new double[rows * width];
        Noise.FillNormal(4, 0, width, values.AsSpan());
        return new Table(values, width);
    }
}
