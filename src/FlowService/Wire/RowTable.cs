using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using FlowService.Errors;
using FlowService.Limits;

namespace FlowService.Wire;

/// <summary>
/// The rows of one field as they arrive, flat in one pooled buffer. The model, and so the right width, may only be known later:
/// the width of the first row is kept, and the first row that differs from it.
/// </summary>
internal sealed class RowTable(RequestField name, LimitsOptions limits, RowPool pool, int expected = RowTable.FewValues) : IDisposable
{
    private const int FewValues = 1024;

    private readonly RowBuffer values = pool.RentEmpty(Math.Clamp(expected, FewValues, Math.Max(FewValues, limits.ValuesPerRequest)));
    private readonly int mostValues = limits.ValuesPerRequest;
    private int oddRow = -1, oddWidth, rowStart;

    public RequestField Field => name;

    public RowBuffer Values => values;

    /// <summary>The rows of the body that came before these, in a body that is read in parts: messages count them.</summary>
    public long First { get; init; }

    /// <summary>The number of finished rows.</summary>
    public int Rows { get; private set; }

    /// <summary>The width of the first row.</summary>
    public int Width { get; private set; }

    /// <summary>True where the values came without brackets around each row.</summary>
    public bool IsFlat { get; set; }

    /// <summary>The number of values in the row under way.</summary>
    public int Column => values.Length - rowStart;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(float value)
    {
        if (values.Length == mostValues)
            throw TooManyValues();
        values.Append(value);
    }

    /// <summary>Room for further values, to be filled from its start and then counted by <see cref="Advance"/>; it may be empty.</summary>
    public Span<float> Free
    {
        get
        {
            Span<float> room = values.Free;
            return room[..Math.Min(room.Length, mostValues - values.Length)];
        }
    }

    /// <summary>Room for so many further values, to be filled whole and then counted by <see cref="AdvanceRows"/>.</summary>
    public Span<float> Reserve(int count)
    {
        if (count > mostValues - values.Length)
            throw TooManyValues();
        return values.Reserve(count);
    }

    /// <summary>Counts values that were written to <see cref="Free"/>.</summary>
    public void Advance(int count) => values.Advance(count);

    /// <summary>Counts rows whose values were written to what <see cref="Reserve"/> gave.</summary>
    /// <exception cref="RequestException">One of them is not finite.</exception>
    public void AdvanceRows(int rows, int width)
    {
        values.Advance(rows * width);
        CheckFinite(values.Span[rowStart..], width);
        (Width, rowStart) = (width, values.Length);
        Count(rows);
    }

    public void EndRow()
    {
        int width = Column;
        if (Rows == 0)
            Width = width;
        else if (width != Width && oddRow < 0)
            (oddRow, oddWidth) = (Rows, width);
        rowStart = values.Length;
        Count(1);
    }

    private void Count(int rows)
    {
        Rows += rows;
        if (Rows > limits.RowsPerRequest)
            throw new RequestException(ProblemKind.TooManyRows,
                $"{name.Name()} has more than {limits.RowsPerRequest} rows; send them in several requests, or raise Limits:RowsPerRequest")
            { Field = name.Name() };
    }

    /// <summary>Refuses rows that are not all of the width that the model has.</summary>
    public void CheckWidth(int expected, string model)
    {
        bool first = Width != expected;
        if (Rows == 0 || (!first && oddRow < 0))
            return;
        int row = first ? 0 : oddRow, width = first ? Width : oddWidth;
        string what = name == RequestField.Context ? "context values" : "values";
        throw new RequestException(ProblemKind.WrongWidth, $"{name.Name()}: row {First + row} has {width} {what}, model '{model}' takes {expected} in each row")
        { Field = name.Name(), Row = First + row };
    }

    /// <summary>The refusal of the value that stands at the place reached so far.</summary>
    public RequestException Invalid(string problem) => IsFlat ? Invalid(Column, 0, problem) : Invalid(Rows, Column, problem);

    private RequestException Invalid(int row, int column, string problem) =>
        new(ProblemKind.InvalidValue, $"{name.Name()}: row {First + row}, column {column} {problem}; each value must be a finite number")
        { Field = name.Name(), Row = First + row, Column = column };

    private void CheckFinite(ReadOnlySpan<float> added, int width)
    {
        // 0 * v is 0, or NaN where v is infinite or NaN: one sum says whether all are finite.
        Vector<float> sums = Vector<float>.Zero;
        int i = 0;
        for (; i <= added.Length - Vector<float>.Count; i += Vector<float>.Count)
            sums += new Vector<float>(added[i..]) * Vector<float>.Zero;
        float sum = Vector.Sum(sums);
        for (; i < added.Length; i++)
            sum += added[i] * 0;
        if (sum == 0)
            return;
        int bad = 0;
        while (float.IsFinite(added[bad]))
            bad++;
        throw Invalid(Rows + bad / width, bad % width, $"is {added[bad].ToString(CultureInfo.InvariantCulture)}, as a 32-bit float");
    }

    private RequestException TooManyValues() => new(ProblemKind.TooManyRows,
        $"{name.Name()} holds more than {mostValues} values; send fewer rows in one request, or raise Limits:ValuesPerRequest")
    { Field = name.Name() };

    public void Dispose() => values.Dispose();
}
