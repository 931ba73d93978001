using System.IO.Pipelines;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>JSON: rows as lists of numbers; an answer as an object with a list for each column. Both are held whole.</summary>
internal sealed class JsonFormat() : RowFormat("application/json", ".json")
{
    public static readonly JsonFormat Instance = new();

    public override bool IsBinary => false;

    public override bool IsWhole => true;

    public override bool Begins(ReadOnlySpan<byte> start) => start.TrimStart(" \t\r\n"u8) is [(byte)'{' or (byte)'[', ..];

    public override async ValueTask<RowReader<T>> OpenAsync<T>(PipeReader body, RowSource source, CancellationToken cancellation)
    {
        var rows = new JsonRowsFile<T>(source);
        try
        {
            await JsonBody.ParseAsync(body, rows, source.Limits.BodyBytes, cancellation);
            return new JsonRowReader<T>(rows, source);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    public override AnswerWriter<T> Writer<T>(PipeWriter body, AnswerOptions options) => new JsonAnswerWriter<T>(body);
}
