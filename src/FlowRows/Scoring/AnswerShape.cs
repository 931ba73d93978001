using System.Numerics;
using System.Runtime.InteropServices;
using Apache.Arrow;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowRows.Scoring;

/// <summary>What an answer consists of beside its rows: with it, the Arrow record batches of an answer are answers again.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The model's version.</param>
/// <param name="Kept">The number of arrays of the columns that are passed on.</param>
/// <param name="KeepsJson">Whether their cells are JSON.</param>
/// <param name="HasNumbers">Whether rows have numbers.</param>
/// <param name="Columns">The answer's own columns.</param>
/// <param name="Reasons">The most reasons of a row.</param>
/// <param name="HasErrors">Whether it says why rows could not be read.</param>
/// <param name="Lines">The names of the columns that are passed on, where one array holds them as lines of CSV.</param>
internal sealed record AnswerShape(
    string Model, int Version, int Kept, bool KeepsJson, bool HasNumbers, AnswerShape.Column[] Columns, int Reasons, bool HasErrors, string[]? Lines = null)
{
    public static AnswerShape Of<T>(Answer<T> answer)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => new(
            answer.Model, answer.Version, answer.Kept?.Arrays ?? 0, answer.Kept?.IsJson ?? false, answer.Numbers is not null,
            [.. answer.Columns.Select(column => new Column(column.Name, column.Width, column.Names, column.Shape, column.IsTable, column.IsFlag))],
            answer.Reasons?.Top ?? 0, answer.Errors is not null, answer.Kept?.LineNames);

    /// <summary>The answer that a record batch was, in buffers that it disposes of; the batch must live as long.</summary>
    public Answer<T> Read<T>(RecordBatch batch, RowPool pool, ScoreRequest? calibration = null)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int next = Kept;
        var answer = new Answer<T>(Model, Version, batch.Length) { Calibration = calibration };
        if (next > 0)
            (answer.Kept = new KeptColumns([.. Enumerable.Range(0, next)]) { IsJson = KeepsJson, LineNames = Lines }).Add(batch);
        if (HasNumbers)
            answer.Numbers = ((Int64Array)batch.Column(next++)).Values.ToArray();
        foreach (Column column in Columns)
        {
            RowBuffer<T> values = pool.Rent<T>(batch.Length * column.Width);
            answer.AddDerived(new AnswerColumn<T>(column.Name, values, column.Width, column.Names, column.Shape) { IsTable = column.IsTable, IsFlag = column.IsFlag });
            next += column.Read(batch, next, values.Span);
        }
        if (Reasons > 0)
        {
            answer.Reasons = new RowReasons(Reasons);
            for (int i = 0; i < Reasons; i++)
                answer.Reasons.AddTexts(i, (StringArray)batch.Column(next++));
        }
        if (HasErrors)
            answer.Errors = ErrorsOf((StringArray)batch.Column(next));
        return answer;
    }

    private static RowErrors ErrorsOf(StringArray reasons)
    {
        var errors = new RowErrors();
        for (int row = 0; row < reasons.Length; row++)
            if (reasons.GetString(row) is { } reason)
                errors.Add(row, reason);
        return errors;
    }

    /// <summary>A column of the answer, as <see cref="AnswerColumn{T}"/> has it.</summary>
    internal sealed record Column(string Name, int Width, string[] Names, int[] Shape, bool IsTable, bool IsFlag)
    {
        /// <summary>Takes the numbers from a batch, from a column on; answers how many columns they took.</summary>
        public int Read<T>(RecordBatch batch, int at, Span<T> target)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            if (IsFlag)
            {
                var flags = (BooleanArray)batch.Column(at);
                for (int row = 0; row < batch.Length; row++)
                    target[row] = flags.GetValue(row) is { } flag ? flag ? T.One : T.Zero : T.NaN;
                return 1;
            }
            if (!IsTable)
            {
                Numbers<T>(((FixedSizeListArray)batch.Column(at)).Values).CopyTo(target);
                return 1;
            }
            for (int i = 0; i < Width; i++)
            {
                ReadOnlySpan<T> values = Numbers<T>(batch.Column(at + i));
                for (int row = 0; row < values.Length; row++)
                    target[row * Width + i] = values[row];
            }
            return Width;
        }

        private static ReadOnlySpan<T> Numbers<T>(IArrowArray array)
            where T : unmanaged => array is FloatArray floats
            ? MemoryMarshal.Cast<float, T>(floats.Values)
            : MemoryMarshal.Cast<double, T>(((DoubleArray)array).Values);
    }
}
