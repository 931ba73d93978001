using System.IO.Pipelines;
using System.Text.Json;

namespace FlowService.Wire.Json;

/// <summary>
/// An answer as JSON, written into the response's pipe and flushed as it fills: memory stays bounded whatever the rows. What is
/// not finite is null, and its row stands in <c>non_finite</c>.
/// </summary>
internal static class JsonAnswerWriter
{
    /// <summary>Bytes that may gather before they are sent on.</summary>
    private const int FlushBytes = 32 << 10;

    public static async Task WriteAsync(HttpResponse response, Answer answer, CancellationToken cancellation)
    {
        response.ContentType = MediaTypes.Json;
        PipeWriter body = response.BodyWriter;
        using var json = new Utf8JsonWriter(body, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("model"u8, answer.Model);
        json.WriteNumber("version"u8, answer.Version);
        if (answer.Seed is { } seed)
            json.WriteNumber("seed"u8, seed);
        foreach (Column column in answer.Columns)
        {
            json.WriteStartArray(column.Name);
            for (int next = 0; next < answer.Rows;)
            {
                next = WriteRows(json, column, next, answer.Rows);
                json.Flush();
                if (body.UnflushedBytes >= FlushBytes)
                    await body.FlushAsync(cancellation);
            }
            json.WriteEndArray();
        }
        WriteNonFinite(json, answer.NonFiniteRows());
        json.WriteEndObject();
        json.Flush();
        await body.FlushAsync(cancellation);
    }

    /// <summary>Writes rows until enough has gathered; returns the row to go on with.</summary>
    private static int WriteRows(Utf8JsonWriter json, Column column, int row, int rows)
    {
        for (; row < rows && json.BytesPending < FlushBytes; row++)
        {
            if (column.IsNested)
                json.WriteStartArray();
            foreach (float value in column.Row(row))
                WriteNumber(json, value);
            if (column.IsNested)
                json.WriteEndArray();
        }
        return row;
    }

    /// <summary>A number, or null for what JSON has no number for.</summary>
    public static void WriteNumber(Utf8JsonWriter json, float value)
    {
        if (float.IsFinite(value))
            json.WriteNumberValue(value);
        else
            json.WriteNullValue();
    }

    private static void WriteNonFinite(Utf8JsonWriter json, List<int> rows)
    {
        if (rows.Count == 0)
            return;
        json.WriteStartArray("non_finite"u8);
        foreach (int row in rows)
            json.WriteNumberValue(row);
        json.WriteEndArray();
    }
}
