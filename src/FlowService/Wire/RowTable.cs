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

    /// <summary>Counts values that were written to <see cref="Free"/>.</summary>
    public void Advance(int count) => values.Advance(count);

    public void EndRow()
    {
        int width = Column;
        if (Rows == 0)
            Width = width;
        else if (width != Width && oddRow < 0)
            (oddRow, oddWidth) = (Rows, width);
        rowStart = values.Length;
        if (++Rows > limits.RowsPerRequest)
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
        throw new RequestException(ProblemKind.WrongWidth, $"{name.Name()}: row {row} has {width} {what}, model '{model}' takes {expected} in each row")
        { Field = name.Name(), Row = row };
    }

    /// <summary>The refusal of the value that stands at the place reached so far.</summary>
    public RequestException Invalid(string problem)
    {
        (int row, int column) = IsFlat ? (Column, 0) : (Rows, Column);
        return new(ProblemKind.InvalidValue, $"{name.Name()}: row {row}, column {column} {problem}; each value must be a finite number")
        { Field = name.Name(), Row = row, Column = column };
    }

    private RequestException TooManyValues() => new(ProblemKind.TooManyRows,
        $"{name.Name()} holds more than {mostValues} values; send fewer rows in one request, or raise Limits:ValuesPerRequest")
    { Field = name.Name() };

    public void Dispose() => values.Dispose();
}
