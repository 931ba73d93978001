using FlowCore;
using FlowRows.Pictures;

namespace FlowRows.Tables;

/// <summary>Which of a table's columns are read, and what is refused.</summary>
internal abstract class RowLayout
{
    // Wider tables are refused before their names are looked at: a line of commas must not cost more than its bytes.
    private const int MostColumns = 1 << 20;

    /// <summary>The model's name, for messages.</summary>
    public virtual string Model => "";

    /// <summary>What the model is conditioned on, where these rows bring it.</summary>
    public virtual ContextSpec? Context => null;

    /// <summary>What the columns of the context hold, in their order, where they hold categories: further ones hold numbers. Null where all do.</summary>
    public virtual CategoryCodes? Categories => null;

    /// <summary>What a message calls the values: x or z; of contexts alone, context.</summary>
    public abstract string Field { get; }

    /// <summary>The columns of a table with these names.</summary>
    /// <exception cref="RowFault">Names what is missing, unknown or there twice, and the remedy.</exception>
    public RowColumns Named(IReadOnlyList<string> names)
    {
        CheckCount(names.Count);
        var places = new Dictionary<string, int>(names.Count, StringComparer.Ordinal);
        var twice = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < names.Count; i++)
            if (!places.TryAdd(names[i], i))
                twice.Add(names[i]);
        return ByName(new(names, places, twice));
    }

    /// <summary>The columns of a table without names.</summary>
    /// <exception cref="RowFault">There are too few or too many.</exception>
    public RowColumns Unnamed(int count)
    {
        CheckCount(count);
        return ByPosition(count);
    }

    /// <summary>The columns of an array whose rows have this shape.</summary>
    /// <exception cref="RowFault">Rows of this shape are not read: names those that are.</exception>
    public abstract RowColumns Shaped(ReadOnlySpan<long> row, bool channelsLast);

    /// <summary>What a picture must be, where a row is one; null where rows are not pictures.</summary>
    public virtual PictureShape? Picture => null;

    /// <summary>Where the values of an image stand whose channels come last: its place in the row for each value; null where they stand in order.</summary>
    public virtual int[]? FromChannelsLast => null;

    /// <summary>Whether these are names that are wanted, so that a line of them is a header whatever they look like.</summary>
    public abstract bool AreWanted(IReadOnlyList<string> names);

    /// <summary>The names that the elements of a column of lists stand for; null where such a column is not read.</summary>
    public virtual string[]? Elements(string column) => null;

    protected abstract RowColumns ByName(NamedColumns columns);

    protected abstract RowColumns ByPosition(int count);

    protected static RowFault Refused(RowFaultKind kind, string detail, string field) => new(kind, detail) { Field = field.Shown() };

    /// <summary>Refuses a table that is wider than any.</summary>
    public static void CheckCount(int count)
    {
        if (count > MostColumns)
            throw Refused(RowFaultKind.InvalidBody, $"the rows have {count} columns; at most {MostColumns} are read", RowNames.X);
    }
}

/// <summary>A table's names: in order, by name, and those that stand there twice.</summary>
internal sealed record NamedColumns(IReadOnlyList<string> Names, Dictionary<string, int> Places, HashSet<string> Twice)
{
    /// <summary>Where a column stands.</summary>
    /// <exception cref="RowFault">Two columns have the name, so that neither can be meant.</exception>
    public int At(string name) => !Twice.Contains(name) ? Places[name]
        : throw new RowFault(RowFaultKind.InvalidBody, $"two columns are named '{name.Shown()}'; rename one of them") { Field = name.Shown() };

    public bool Has(string name) => Places.ContainsKey(name);
}
