using FlowCore.Calibration;

namespace FlowCore.Drift;

/// <summary>
/// The last rows that a model scored beside its calibration rows: in which bin each of their values lies, and their log densities. A row costs a search in
/// about ten numbers a column, and no memory. One thread at a time may use it.
/// </summary>
public sealed class DriftWindow
{
    /// <summary>The probability of a false alarm of any column, or of the score, in a window of unchanged rows.</summary>
    public const double FalseAlarmRate = 1e-4;

    /// <summary>The fewest rows that a window is judged by.</summary>
    public const int FewestRows = 50;

    private readonly CalibrationSet calibration;
    private readonly ColumnBins[] bins; // of each column, and of the log density
    private readonly int[][] counts;
    private readonly byte[] ring; // [rows, columns + 1]
    private readonly float[] scores;
    private readonly (float Least, float Largest)[] ranges;
    private readonly bool[] isOutOfRange;
    private int outOfRange;
    private readonly OnlinePValues online;
    private readonly ConformalMartingale martingale = new();

    /// <param name="calibration">What ordinary rows look like to the model.</param>
    /// <param name="rows">The most rows of the window.</param>
    /// <param name="trained">What the columns were like in training; null where that is not known.</param>
    public DriftWindow(CalibrationSet calibration, int rows, ColumnRecord[]? trained = null)
    {
        ranges = trained is null ? [] : Array.ConvertAll(trained, column => ((float)column.Least, (float)column.Largest));
        isOutOfRange = new bool[rows];
        this.calibration = calibration;
        online = new(calibration.LogProb);
        int width = calibration.Reference.Width;
        bins = new ColumnBins[width + 1];
        var sorted = new float[calibration.Reference.Count];
        for (int column = 0; column < width; column++)
        {
            for (int row = 0; row < sorted.Length; row++)
                sorted[row] = calibration.Reference.Values[row * width + column];
            Array.Sort(sorted);
            bins[column] = new(sorted);
        }
        bins[width] = new(Array.ConvertAll(calibration.LogProb.Scores(), score => (float)score));
        counts = Array.ConvertAll(bins, each => new int[each.Count]);
        ring = new byte[rows * bins.Length];
        scores = new float[rows];
    }

    /// <summary>The rows that were ever added.</summary>
    public long Seen { get; private set; }

    /// <summary>The rows that the window holds.</summary>
    public int Rows => (int)Math.Min(Seen, scores.Length);

    /// <summary>Adds a row in the place of the oldest one.</summary>
    /// <param name="x">Its values.</param>
    /// <param name="logProb">Its log density in nats.</param>
    public void Add(ReadOnlySpan<float> x, float logProb)
    {
        int place = (int)(Seen % scores.Length);
        Span<byte> cells = ring.AsSpan(place * bins.Length, bins.Length);
        for (int column = 0; column < cells.Length; column++)
        {
            if (Seen >= scores.Length)
                counts[column][cells[column]]--;
            // A log density that is none is the least of all; the columns' values are finite.
            int bin = bins[column].Of(column < x.Length ? x[column] : float.IsNaN(logProb) ? float.NegativeInfinity : logProb);
            cells[column] = (byte)bin;
            counts[column][bin]++;
        }
        outOfRange -= isOutOfRange[place] ? 1 : 0;
        outOfRange += (isOutOfRange[place] = IsOutOfRange(x)) ? 1 : 0;
        scores[place] = logProb;
        Seen++;
        martingale.Add(online.Next(logProb));
    }

    /// <summary>What the window's rows come to.</summary>
    public DriftState State()
    {
        var columns = new ColumnDrift[bins.Length];
        for (int column = 0; column < columns.Length; column++)
            columns[column] = Rows < FewestRows ? default : new(
                StabilityIndex.Of(bins[column], counts[column], Rows), StabilityIndex.Limit(bins[column], Rows, FalseAlarmRate / bins.Length),
                (counts[column][0] + counts[column][^1]) / (double)Rows);
        return new(Seen, Rows, columns[..^1], columns[^1], ranges.Length > 0 ? outOfRange / (double)Math.Max(1, Rows) : null, martingale.Log10Capital, martingale.Log10Evidence, martingale.IsAlarm);
    }

    private bool IsOutOfRange(ReadOnlySpan<float> x)
    {
        for (int column = 0; column < ranges.Length; column++)
            if (x[column] < ranges[column].Least || x[column] > ranges[column].Largest)
                return true;
        return false;
    }

    /// <summary>Of the window's rows, the share whose p-value lies in each tenth: a tenth each where nothing has changed.</summary>
    public double[] PValues()
    {
        var shares = new double[10];
        for (int row = 0; row < Rows; row++)
            shares[Math.Min((int)(calibration.LogProb.PValue(scores[row]) * shares.Length), shares.Length - 1)] += 1.0 / Rows;
        return shares;
    }

    /// <summary>Whether the window's rows together are as likely as ordinary ones.</summary>
    public Typicality? Typicality()
    {
        var batch = new BatchTypicality(calibration.LogProb);
        for (int row = 0; row < Rows; row++)
            batch.Add(scores[row]);
        return batch.Result();
    }
}

/// <summary>What a window of rows comes to.</summary>
/// <param name="Seen">The rows that were ever added.</param>
/// <param name="Rows">The rows of the window.</param>
/// <param name="Columns">Each column's own drift.</param>
/// <param name="Score">The drift of the log density.</param>
/// <param name="OutOfRange">The share of rows of which some value lies outside of those that the model was trained with; null where they are not known.</param>
/// <param name="Log10Capital">That of <see cref="ConformalMartingale"/>.</param>
/// <param name="Log10Evidence">That of <see cref="ConformalMartingale"/>.</param>
/// <param name="MartingaleAlarm">Whether it says that something has changed.</param>
public sealed record DriftState(
    long Seen, int Rows, ColumnDrift[] Columns, ColumnDrift Score, double? OutOfRange, double Log10Capital, double Log10Evidence, bool MartingaleAlarm);

/// <summary>How far a column of new rows is from its reference.</summary>
/// <param name="Psi">Its population stability index; 0 while there are too few rows.</param>
/// <param name="Limit">What unchanged rows hardly ever exceed; 0 while there are too few rows.</param>
/// <param name="Outside">The share of rows below or above all reference values.</param>
public readonly record struct ColumnDrift(double Psi, double Limit, double Outside)
{
    /// <summary>Whether the column has changed, or a rare thing has happened.</summary>
    public bool IsAlarm => Psi > Limit;
}
