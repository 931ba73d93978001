namespace FlowCli.RowFiles;

/// <summary>Rows of a file, in order, as float64 whatever the file holds. Every value handed out is finite.</summary>
internal abstract class RowReader(string path) : IDisposable
{
    public string Path { get; } = path;

    /// <summary>The number of values in each row.</summary>
    public abstract int Width { get; }

    /// <summary>The columns' names, in order; null where the file has none.</summary>
    public abstract string[]? Names { get; }

    /// <summary>Fills the span, whose length is a multiple of <see cref="Width"/>, from its start; returns the number of rows, 0 at the end.</summary>
    public abstract int Read(Span<double> values);

    /// <summary>Where the last row that was read stands, as people count: "line 7" or "row 7".</summary>
    public abstract string Place { get; }

    /// <summary>The number of <see cref="Place"/>.</summary>
    public abstract long Position { get; }

    public string NameOf(int column) => Names is null ? $"column {column + 1}" : $"column '{Names[column]}'";

    public abstract void Dispose();
}
