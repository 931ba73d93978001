using System.Runtime.Intrinsics;
using FlowCore.Training;

namespace FlowCore.Calibration;

/// <summary>
/// The coordinates in which rows are near or far: each column is mapped by a line, or, in a table of heavy tails, by the normal score of
/// its rank among ordinary rows, piecewise linear and linear beyond them; then all columns have the same spread. Where a density is high
/// depends on the coordinates (Le Lan, Dinh 2021, arXiv 2012.03808): a score has to say which are meant.
/// </summary>
/// <param name="Inputs">Of each column the values that its line bends at, ascending: [columns, knots].</param>
/// <param name="Outputs">What they are mapped to: [columns, knots].</param>
/// <param name="Width">The number of columns.</param>
public sealed record ScoreCoordinates(float[] Inputs, float[] Outputs, int Width)
{
    /// <summary>
    /// The median kurtosis of the columns above which ranks are taken. It was chosen by hand on labelled tables (docs/anomaly.md):
    /// ranks gain where most columns have heavy tails, and lose where clusters are what tells rows apart.
    /// </summary>
    public const double HeavyTails = 10;

    /// <summary>The most knots that a column may have.</summary>
    public const int MostKnots = 1024;

    private const int RankKnots = 33;

    // What lies as far out is as strange as anything.
    private const float Farthest = 1000;

    // Of lines: where each begins, how far it goes, and the same of its outputs.
    private readonly float[] starts = Ends(Inputs, Width, 0), steps = Ends(Inputs, Width, 1), heights = Ends(Outputs, Width, 0), rises = Ends(Outputs, Width, 1);

    /// <summary>The number of knots of each column.</summary>
    public int Knots => Inputs.Length / Width;

    /// <summary>Whether columns are mapped by their ranks.</summary>
    public bool AreRanks => Knots > 2;

    /// <summary>Chooses the coordinates by ordinary rows.</summary>
    public static ScoreCoordinates Of(Table rows)
    {
        ColumnFacts[] facts = ColumnFacts.Of(rows);
        bool ranks = Median.Of([.. ColumnShape.Of(rows, facts).Select(column => column.Kurtosis)]) > HeavyTails;
        int knots = ranks ? RankKnots : 2;
        float[] inputs = new float[rows.Width * knots], outputs = new float[inputs.Length];
        for (int column = 0; column < rows.Width; column++)
        {
            Span<float> from = inputs.AsSpan(column * knots, knots), to = outputs.AsSpan(column * knots, knots);
            if (facts[column].IsConstant)
                Line((facts[column].Mean, 1), from, to, 0);
            else if (ranks)
                Ranks(rows, column, from, to);
            else
                Line((facts[column].Mean, facts[column].Deviation), from, to, 1);
        }
        return new(inputs, outputs, rows.Width);
    }

    /// <summary>The coordinate of a value.</summary>
    public float Map(int column, float value)
    {
        ReadOnlySpan<float> from = Inputs.AsSpan(column * Knots, Knots), to = Outputs.AsSpan(column * Knots, Knots);
        // NaN comes out as NaN.
        int at = AreRanks ? from.BinarySearch(value) : 0, left = Math.Clamp(at >= 0 ? at : ~at - 1, 0, Knots - 2);
        while (left < Knots - 2 && from[left + 1] == from[left])
            left++;
        float step = from[left + 1] - from[left];
        float share = step > 0 ? (value - from[left]) / step : 0;
        return Math.Clamp(to[left] + share * (to[left + 1] - to[left]), -Farthest, Farthest);
    }

    /// <summary>The coordinates of a row, as <see cref="Map"/> gives each of them.</summary>
    public void MapRow(ReadOnlySpan<float> row, Span<float> to)
    {
        int column = 0;
        for (; !AreRanks && column <= Width - Vector512<float>.Count; column += Vector512<float>.Count)
        {
            Vector512<float> step = Vector512.Create(steps.AsSpan(column)), farthest = Vector512.Create(Farthest);
            Vector512<float> share = (Vector512.Create(row[column..]) - Vector512.Create(starts.AsSpan(column))) / step;
            share = Vector512.ConditionalSelect(Vector512.GreaterThan(step, Vector512<float>.Zero), share, Vector512<float>.Zero);
            Vector512<float> value = Vector512.Create(heights.AsSpan(column)) + share * Vector512.Create(rises.AsSpan(column));
            value = Vector512.ConditionalSelect(Vector512.GreaterThan(value, farthest), farthest, value);
            value = Vector512.ConditionalSelect(Vector512.LessThan(value, -farthest), -farthest, value);
            value.CopyTo(to[column..]);
        }
        for (; column < Width; column++)
            to[column] = Map(column, row[column]);
    }

    private static float[] Ends(float[] knots, int width, int which)
    {
        var ends = new float[width];
        for (int column = 0, count = knots.Length / width; column < width; column++)
            ends[column] = which == 0 ? knots[column * count] : knots[column * count + 1] - knots[column * count];
        return ends;
    }

    private static void Line((double Mean, double Scale) of, Span<float> from, Span<float> to, double slope)
    {
        (from[0], from[1]) = ((float)of.Mean, (float)(of.Mean + of.Scale));
        (to[0], to[1]) = (0, (float)slope);
        for (int i = 2; i < from.Length; i++)
            (from[i], to[i]) = ((float)(of.Mean + i * of.Scale), (float)(i * slope));
    }

    // The middle rank of each value, at knots that cut the scores evenly, divided by the scores' spread.
    private static void Ranks(Table rows, int column, Span<float> from, Span<float> to)
    {
        var sorted = new double[rows.Rows];
        for (int row = 0; row < sorted.Length; row++)
            sorted[row] = rows.Values[row * rows.Width + column];
        Array.Sort(sorted);
        List<double> values = [], scores = [];
        double squares = 0, sum = 0;
        for (int first = 0, next; first < sorted.Length; first = next)
        {
            next = first + 1;
            while (next < sorted.Length && sorted[next] == sorted[first])
                next++;
            double score = Densities.NormalQuantile.At((first + next) / 2.0 / sorted.Length);
            values.Add(sorted[first]);
            scores.Add(score);
            sum += score * (next - first);
            squares += score * score * (next - first);
        }
        double mean = sum / sorted.Length, deviation = Math.Sqrt(Math.Max(1e-12, squares / sorted.Length - mean * mean));
        for (int knot = 0, at = 0; knot < from.Length; knot++)
        {
            double wanted = scores[0] + (scores[^1] - scores[0]) * knot / (from.Length - 1);
            while (at < scores.Count - 1 && scores[at] < wanted - 1e-9)
                at++;
            (from[knot], to[knot]) = ((float)values[at], (float)((scores[at] - mean) / deviation));
        }
    }
}
