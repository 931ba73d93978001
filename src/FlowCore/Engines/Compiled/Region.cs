namespace FlowCore.Engines.Compiled;

/// <summary>A part of a tile's memory: so many values for each row of the batch. Regions whose lives do not meet share their place.</summary>
internal sealed class Region
{
    private const int Unit = 16;

    /// <param name="values">The values of one row.</param>
    /// <param name="exact">Whether rows stand without a gap; else each begins at a multiple of sixteen, and a vector may be stored past its last value.</param>
    public Region(int values, bool exact = false) => Width = exact ? values : (values + Unit - 1) / Unit * Unit;

    private Region? adjoint;

    /// <summary>One sum a row, in float64 whatever the program's number type: see <see cref="Steps.Tile{T}.Sums"/>.</summary>
    public static Region OfSums() => new(sizeof(double) / sizeof(float), exact: true) { HoldsSums = true };

    /// <summary>Whether it holds sums: the adjoint of each is the tile's.</summary>
    public bool HoldsSums { get; private init; }

    /// <summary>In a training, what the loss changes by with each of the values: at the same places of a row.</summary>
    public Region Adjoint => adjoint ??= new Region(Width);

    /// <summary>Whether all places lie within a row.</summary>
    public bool Holds(IEnumerable<int> places) => places.All(place => place >= 0 && place < Width);

    /// <summary>The distance from one row to the next.</summary>
    public int Width { get; }

    /// <summary>Where it begins in the tile's memory, once the program is laid out.</summary>
    public long Offset { get; set; } = -1;
}
