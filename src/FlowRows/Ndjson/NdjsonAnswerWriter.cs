using System.IO.Pipelines;
using System.Numerics;
using System.Text.Json;
using FlowRows.Answers;
using FlowRows.Json;
using FlowRows.Tables;

namespace FlowRows.Ndjson;

/// <summary>An answer as JSON lines: in each object the columns that are passed on, then the answer's. What is not finite is null.</summary>
internal sealed class NdjsonAnswerWriter<T>(PipeWriter body) : AnswerWriter<T>(body)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private bool any;

    public override async ValueTask WriteAsync(Answer<T> part, CancellationToken cancellation)
    {
        KeptTypes.Check(part.Kept, "application/x-ndjson");
        if (!any)
            CheckNames(part);
        any = true;
        using var json = new Utf8JsonWriter(Body, new JsonWriterOptions { SkipValidation = true });
        for (int row = 0; row < part.Rows; row++)
        {
            WriteRow(json, part, row);
            json.Flush();
            json.Reset();
            Body.GetSpan(1)[0] = (byte)'\n';
            Body.Advance(1);
            if (Body.UnflushedBytes >= FlushBytes)
                await Body.FlushAsync(cancellation);
        }
    }

    /// <summary>A last line with the reason, which is not a row.</summary>
    public override async ValueTask BreakOffAsync(string reason, CancellationToken cancellation)
    {
        using (var json = new Utf8JsonWriter(Body))
        {
            json.WriteStartObject();
            json.WriteString("flow-error"u8, reason);
            json.WriteEndObject();
        }
        await Body.WriteAsync("\n"u8.ToArray(), cancellation);
    }

    private static void WriteRow(Utf8JsonWriter json, Answer<T> part, int row)
    {
        json.WriteStartObject();
        for (int i = 0; i < part.Kept?.Count; i++)
        {
            json.WritePropertyName(part.Kept.Field(i).Name);
            JsonCell.Write(json, part.Kept, i, row);
        }
        if (part.Numbers is { } numbers)
            json.WriteNumber(RowColumn, numbers[row]);
        foreach (AnswerColumn<T> column in part.Columns)
            WriteColumn(json, column, row);
        foreach (string name in part.Reasons?.Columns ?? [])
            json.WriteString(name, part.Reasons!.Text(row, int.Parse(name.AsSpan(name.IndexOf('_') + 1), System.Globalization.CultureInfo.InvariantCulture) - 1));
        if (part.Errors is { } errors)
            json.WriteString(ErrorColumn, errors.Of(row));
        json.WriteEndObject();
    }

    private static void WriteColumn(Utf8JsonWriter json, AnswerColumn<T> column, int row)
    {
        ReadOnlySpan<T> values = column.Row(row);
        if (column.IsTable)
        {
            for (int i = 0; i < values.Length; i++)
            {
                json.WritePropertyName(column.Names[i]);
                WriteValue(json, column, values[i]);
            }
            return;
        }
        json.WriteStartArray(column.Name);
        foreach (T value in values)
            WriteValue(json, column, value);
        json.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter json, AnswerColumn<T> column, T value)
    {
        if (column.IsFlag && !T.IsNaN(value))
            json.WriteBooleanValue(value != T.Zero);
        else
            JsonAnswerWriter<T>.WriteNumber(json, value);
    }
}
