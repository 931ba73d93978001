using System.IO.Pipelines;
using System.Numerics;
using System.Text.Json;
using FlowRows.Answers;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>
/// An answer as JSON, written into a pipe and flushed as it fills: memory stays bounded whatever the rows. What is not finite is
/// null, and its row stands in <c>non_finite</c>.
/// </summary>
internal sealed class JsonAnswerWriter<T>(PipeWriter body) : AnswerWriter<T>(body)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override async ValueTask WriteAsync(Answer<T> answer, CancellationToken cancellation)
    {
        using var json = new Utf8JsonWriter(Body, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("model"u8, answer.Model);
        json.WriteNumber("version"u8, answer.Version);
        if (answer.Seed is { } seed)
            json.WriteNumber("seed"u8, seed);
        if (answer.Numbers is { } numbers)
            WriteNumbers(json, RowColumn, numbers);
        foreach (AnswerColumn<T> column in answer.Columns)
        {
            json.WriteStartArray(column.Name);
            for (int next = 0; next < answer.Rows;)
            {
                next = WriteRows(json, column, next, answer.Rows);
                json.Flush();
                if (Body.UnflushedBytes >= FlushBytes)
                    await Body.FlushAsync(cancellation);
            }
            json.WriteEndArray();
        }
        if (answer.Reasons is { } reasons)
            await WriteReasonsAsync(json, reasons, answer.Rows, cancellation);
        if (answer.Calibration is { } calibration)
            WriteCalibration(json, calibration);
        if (answer.NonFiniteRows() is { Count: > 0 } rows)
            WriteNumbers(json, "non_finite", rows.ConvertAll(row => (long)row));
        if (answer.Errors is { } errors)
            WriteErrors(json, errors, answer.Rows);
        json.WriteEndObject();
        json.Flush();
    }

    /// <summary>Writes rows until enough has gathered; returns the row to go on with.</summary>
    private static int WriteRows(Utf8JsonWriter json, AnswerColumn<T> column, int row, int rows)
    {
        for (; row < rows && json.BytesPending < FlushBytes; row++)
        {
            if (column.IsNested)
                json.WriteStartArray();
            foreach (T value in column.Row(row))
                if (column.IsFlag && !T.IsNaN(value))
                    json.WriteBooleanValue(value != T.Zero);
                else
                    WriteNumber(json, value);
            if (column.IsNested)
                json.WriteEndArray();
        }
        return row;
    }

    /// <summary>A number, or null for what JSON has no number for.</summary>
    public static void WriteNumber(Utf8JsonWriter json, T value)
    {
        if (!T.IsFinite(value))
            json.WriteNullValue();
        else if (typeof(T) == typeof(float))
            json.WriteNumberValue((float)(object)value);
        else
            json.WriteNumberValue(double.CreateTruncating(value));
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private async ValueTask WriteReasonsAsync(Utf8JsonWriter json, RowReasons reasons, int rows, CancellationToken cancellation)
    {
        json.WriteStartArray(ScoreRequest.Attribution);
        for (int row = 0; row < rows; row++)
        {
            WriteReasons(json, reasons.Of(row));
            if (json.BytesPending < FlushBytes)
                continue;
            json.Flush();
            await Body.FlushAsync(cancellation);
        }
        json.WriteEndArray();
    }

    private static void WriteReasons(Utf8JsonWriter json, RowReason[]? reasons)
    {
        if (reasons is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartArray();
        foreach (RowReason reason in reasons)
        {
            json.WriteStartObject();
            json.WriteString("feature"u8, reason.Feature);
            json.WriteNumber("value"u8, (float)reason.Value);
            json.WritePropertyName("nats"u8);
            JsonAnswerWriter<float>.WriteNumber(json, (float)reason.Nats);
            json.WriteNumber("expected"u8, reason.Expected);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteCalibration(Utf8JsonWriter json, ScoreRequest calibration)
    {
        (string score, int rows, double least) = calibration.Facts;
        if (calibration.Alpha is { } alpha)
            json.WriteNumber("alpha"u8, alpha);
        json.WriteString("score"u8, score);
        json.WriteNumber("p_min"u8, (float)least);
        json.WriteNumber("calibration_rows"u8, rows);
        if (calibration.Warnings.Length == 0)
            return;
        json.WriteStartArray("warnings"u8);
        foreach (string warning in calibration.Warnings)
            json.WriteStringValue(warning);
        json.WriteEndArray();
    }

    // As long as the rows, so that a client reads it beside the other columns.
    private static void WriteErrors(Utf8JsonWriter json, RowErrors errors, int rows)
    {
        json.WriteStartArray(ErrorColumn);
        for (int row = 0; row < rows; row++)
            json.WriteStringValue(errors.Of(row));
        json.WriteEndArray();
    }
}
