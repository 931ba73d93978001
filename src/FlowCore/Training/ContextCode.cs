namespace FlowCore.Training;

/// <summary>Contexts as columns that a Gaussian can have: floats as they are, a class as one-hot without its first value, whose column the others imply.</summary>
internal sealed class ContextCode
{
    private readonly double[]? classes;

    private ContextCode(int width, double[]? classes) => (Width, this.classes) = (width, classes);

    public int Width { get; }

    public static ContextCode Of(Table? contexts, bool byClass)
    {
        if (contexts is null)
            return new(0, null);
        if (!byClass)
            return new(contexts.Width, null);
        double[] seen = [.. contexts.Values.Distinct().Order().Skip(1)];
        return new(seen.Length, seen);
    }

    /// <summary>What to call the columns in a message.</summary>
    public string[] Names(Table? contexts) => classes is null
        ? [.. Enumerable.Range(0, Width).Select(column => contexts!.Names?[column] ?? $"context {column + 1}")]
        : [.. classes.Select(each => $"class {each}")];

    /// <summary>Each row with its context in front of it.</summary>
    public Table InFront(Table rows)
    {
        if (Width == 0)
            return rows;
        int width = Width + rows.Width;
        var values = new double[rows.Rows * width];
        for (int row = 0; row < rows.Rows; row++)
        {
            ReadOnlySpan<double> context = rows.Context!.Row(row);
            Span<double> joined = values.AsSpan(row * width, width);
            if (classes is null)
                context.CopyTo(joined);
            else if (Array.IndexOf(classes, context[0]) is >= 0 and int at)
                joined[at] = 1;
            rows.Row(row).CopyTo(joined[Width..]);
        }
        return new Table(values, width);
    }
}
