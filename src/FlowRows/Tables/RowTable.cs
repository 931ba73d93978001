using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using FlowRows.Buffers;

namespace FlowRows.Tables;

/// <summary>
/// The rows of one field as they arrive, flat in one pooled buffer. The model, and so the right width, may only be known later:
/// the width of the first row is kept, and the first row that differs from it.
/// </summary>
/// <param name="name">What a message calls the rows: x, z, context.</param>
/// <param name="limits">The most that is taken.</param>
/// <param name="pool">Where the buffer comes from.</param>
/// <param name="expected">A guess at the number of values.</param>
internal sealed class RowTable<T>(string name, RowLimits limits, RowPool pool, int expected = RowTable<T>.FewValues) : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int FewValues = 1024;

    private RowBuffer<T> values =
        pool.RentEmpty<T>(Math.Clamp(expected, FewValues, Math.Max(FewValues, limits.ValuesPerRequest)));
    private readonly int mostValues = limits.ValuesPerRequest;
    private int oddRow = -1, oddWidth, rowStart;

    // The width of each row, where they differ and that is no reason to refuse all.
    private List<int>? widths;

    public string Name => name;

    public RowBuffer<T> Values => values;

    /// <summary>The rows of the body that came before these, in a body that is read in parts: messages count them.</summary>
    public long First { get; init; }

    /// <summary>Where what is not a finite number is put as NaN, to be sifted out later; null where it is refused at once.</summary>
    public RowErrors? Errors { get; init; }

    /// <summary>Whether a value may be missing; NaN stands for it.</summary>
    public bool MayLack { get; init; }

    /// <summary>What the values are numbers of, where they are categories; null where they are numbers.</summary>
    public CategoryCodes? Categories { get; set; }

    /// <summary>The names of rows that are objects; null of others.</summary>
    public NamedCells? Named { get; set; }

    /// <summary>The number of finished rows.</summary>
    public int Rows { get; private set; }

    /// <summary>The width of the first row.</summary>
    public int Width { get; private set; }

    /// <summary>True where the values came without brackets around each row.</summary>
    public bool IsFlat { get; set; }

    /// <summary>Whether values may come without brackets around each row.</summary>
    public bool MayBeFlat { get; init; }

    /// <summary>The number of values in the row under way.</summary>
    public int Column => values.Length - rowStart;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(T value)
    {
        if (values.Length == mostValues)
            throw TooManyValues();
        values.Append(value);
    }

    /// <summary>Room for further values, to be filled from its start and then counted by <see cref="Advance"/>; it may be empty.</summary>
    public Span<T> Free
    {
        get
        {
            Span<T> room = values.Free;
            return room[..Math.Min(room.Length, mostValues - values.Length)];
        }
    }

    /// <summary>Room for so many further values, to be filled whole and then counted by <see cref="AdvanceRows"/>.</summary>
    public Span<T> Reserve(int count)
    {
        if (count > mostValues - values.Length)
            throw TooManyValues();
        return values.Reserve(count);
    }

    /// <summary>Counts values that were written to <see cref="Free"/>.</summary>
    public void Advance(int count) => values.Advance(count);

    /// <summary>Counts rows whose values were written to what <see cref="Reserve"/> gave.</summary>
    /// <exception cref="RowFault">One of them is not finite.</exception>
    public void AdvanceRows(int rows, int width)
    {
        values.Advance(rows * width);
        CheckFinite(values.Span[rowStart..], width);
        (Width, rowStart) = (width, values.Length);
        Count(rows);
    }

    /// <summary>Appends a row of finite values.</summary>
    public void AppendRow(ReadOnlySpan<T> row)
    {
        row.CopyTo(Reserve(row.Length));
        values.Advance(row.Length);
        EndRow();
    }

    public void EndRow()
    {
        int width = Column;
        if (Rows == 0)
            Width = width;
        else if (width != Width && oddRow < 0)
            (oddRow, oddWidth, widths) = (Rows, width, Errors is null ? null : [.. Enumerable.Repeat(Width, Rows)]);
        widths?.Add(width);
        rowStart = values.Length;
        Count(1);
    }

    /// <summary>Refuses the value that stands at the place reached so far; where errors are gathered, NaN stands for it.</summary>
    public void Refuse(string problem) => Refuse(Invalid(problem));

    /// <summary>The same with words of the format's own.</summary>
    public void Refuse(RowFault fault)
    {
        if (Errors is null)
            throw fault;
        Errors.Add(IsFlat ? Column : Rows, fault);
        Append(T.NaN);
    }

    /// <summary>The same, where the words are made only if anybody reads them.</summary>
    public void Refuse(Func<RowFault> fault)
    {
        if (Errors is not { Suffice: true })
        {
            Refuse(fault());
            return;
        }
        Errors.Add(IsFlat ? Column : Rows);
        Append(T.NaN);
    }

    /// <summary>The value at the place reached so far is not there: NaN stands for it, or it is refused.</summary>
    public void Lack(Func<RowFault> fault)
    {
        if (MayLack)
            Append(T.NaN);
        else
            Refuse(fault);
    }

    /// <summary>Keeps the rows that <paramref name="stays"/> says, in their order.</summary>
    public void Keep(ReadOnlySpan<bool> stays)
    {
        int kept = 0;
        Span<T> all = values.Span;
        for (int row = 0; row < Rows; row++)
            if (stays[row])
                all.Slice(row * Width, Width).CopyTo(all[(kept++ * Width)..]);
        values.Cut(kept * Width);
        (Rows, rowStart) = (kept, kept * Width);
    }

    private void Count(int rows)
    {
        Rows += rows;
        if (Rows > limits.RowsPerRequest)
            throw new RowFault(RowFaultKind.TooManyRows,
                $"{name} has more than {limits.RowsPerRequest} rows; send them in several requests, or raise Limits:RowsPerRequest")
            { Field = name };
    }

    /// <summary>Refuses rows that are not all of the width that the model has.</summary>
    public void CheckWidth(int expected, string model)
    {
        bool first = Width != expected;
        if (Rows == 0 || (!first && oddRow < 0))
            return;
        if (widths is not null)
            Level(expected, model, widths);
        else
            throw WrongWidth(first ? 0 : oddRow, first ? Width : oddWidth, expected, model);
    }

    /// <summary>A table for the rows of another part of the same body.</summary>
    public RowTable<T> Beside(string part) => new(part, limits, pool, Rows) { First = First, Errors = Errors };

    /// <summary>Some columns of these rows, as a table of their own.</summary>
    public RowTable<T> Columns(string part, int[] columns, bool mayLack)
    {
        var taken = new RowTable<T>(part, limits, pool, Rows * columns.Length) { First = First, Errors = Errors, MayLack = mayLack };
        Span<T> target = taken.Reserve(Rows * columns.Length);
        ReadOnlySpan<T> all = values.Span;
        for (int row = 0; row < Rows; row++)
            for (int i = 0; i < columns.Length; i++)
                target[row * columns.Length + i] = all[row * Width + columns[i]];
        taken.AdvanceRows(Rows, columns.Length);
        return taken;
    }

    /// <summary>Appends the number of a category.</summary>
    /// <param name="column">Which of the columns of categories.</param>
    /// <param name="text">The category; null where the cell is empty.</param>
    public void AppendCategory(int column, string? text)
    {
        int code = text is null ? -1 : Categories!.CodeOf(column, text);
        if (code < 0)
            Refuse(Categories!.Refusal(column, First + Rows, text));
        else
            Append(T.CreateChecked(code));
    }

    /// <summary>Of the categories of each row the class that they are together, as a table of its own. Rows without one are refused, or noted.</summary>
    public RowTable<T> Classes()
    {
        RowTable<T> taken = Beside(name);
        try
        {
            for (int row = 0; row < Rows; row++)
            {
                ReadOnlySpan<T> each = values.Span.Slice(row * Width, Width);
                int number = Array.TrueForAll(each.ToArray(), T.IsFinite) ? Categories!.ClassOf(each) : 0; // else it is noted already
                if (number < 0)
                    taken.Refuse(Categories!.NeverTogether(First + row, each));
                else
                    taken.Append(T.CreateChecked(number));
                taken.EndRow();
            }
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Values without brackets around them become rows of one value each.</summary>
    public void Unflatten()
    {
        if (IsFlat)
            (IsFlat, Rows, Width) = (false, values.Length, 1);
    }

    // Rows of another width are not rows; zeros stand in their places.
    private void Level(int expected, string model, List<int> each)
    {
        if ((long)Rows * expected > mostValues)
            throw TooManyValues();
        RowBuffer<T> level = pool.Rent<T>(Rows * expected);
        ReadOnlySpan<T> from = values.Span;
        for (int row = 0; row < Rows; row++)
        {
            Span<T> to = level.Span.Slice(row * expected, expected);
            if (each[row] == expected)
                from[..expected].CopyTo(to);
            else
                to.Clear();
            if (each[row] != expected)
                Errors!.Add(row, WrongWidth(row, each[row], expected, model).Message);
            from = from[each[row]..];
        }
        values.Dispose();
        (values, Width, rowStart, oddRow, widths) = (level, expected, level.Length, -1, null);
    }

    /// <summary>The refusal of a row that is not as wide as the model takes rows.</summary>
    public RowFault WrongWidth(int row, int width, int expected, string model) => new(RowFaultKind.WrongWidth,
        $"{name}: row {First + row} has {width} {(name == RowNames.Context ? "context values" : "values")}, model '{model}' takes {expected} in each row")
    { Field = name, Row = First + row };

    /// <summary>The refusal of the value that stands at the place reached so far.</summary>
    public RowFault Invalid(string problem) => IsFlat ? Invalid(Column, 0, problem) : Invalid(Rows, Column, problem);

    /// <summary>The refusal of a value.</summary>
    public RowFault Invalid(int row, int column, string problem) =>
        new(RowFaultKind.InvalidValue, $"{name}: row {First + row}, column {column} {problem}; each value must be a finite number")
        { Field = name, Row = First + row, Column = column };

    private void CheckFinite(ReadOnlySpan<T> added, int width)
    {
        // 0 * v is 0, or NaN where v is infinite or NaN: one sum says whether all are finite.
        Vector<T> sums = Vector<T>.Zero;
        int i = 0;
        for (; i <= added.Length - Vector<T>.Count; i += Vector<T>.Count)
            sums += new Vector<T>(added[i..]) * Vector<T>.Zero;
        T sum = Vector.Sum(sums);
        for (; i < added.Length; i++)
            sum += added[i] * T.Zero;
        if (sum == T.Zero)
            return;
        for (int bad = 0; bad < added.Length; bad++)
        {
            if (T.IsFinite(added[bad]) || (MayLack && T.IsNaN(added[bad])))
                continue;
            string value = added[bad].ToString("G", CultureInfo.InvariantCulture);
            RowFault fault = Invalid(Rows + bad / width, bad % width, $"is {value}{(typeof(T) == typeof(float) ? ", as a 32-bit float" : "")}");
            if (Errors is null)
                throw fault;
            Errors.Add(Rows + bad / width, fault.Message);
        }
    }

    private RowFault TooManyValues() => new(RowFaultKind.TooManyRows,
        $"{name} holds more than {mostValues} values; send fewer rows in one request, or raise Limits:ValuesPerRequest")
    { Field = name };

    public void Dispose() => values.Dispose();
}
