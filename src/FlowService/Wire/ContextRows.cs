using System.Globalization;
using FlowCore;
using FlowService.Errors;
using FlowService.Models;

namespace FlowService.Wire;

/// <summary>A request's context, checked against what the model is conditioned on.</summary>
internal readonly record struct ContextRows(RowBuffer? Values, int Count)
{
    /// <summary>How many of the rows one context row serves.</summary>
    public int RowsPerContext(int rows) => Count == 0 ? 1 : rows / Count;

    /// <summary>The context of <paramref name="rows"/> rows: one for each, or one for all.</summary>
    public static ContextRows Of(RowTable? table, ServedModel model, int rows)
    {
        ContextRows context = Of(table, model);
        if (context.Count > 1 && context.Count != rows)
            throw Wrong($"context has {context.Count} rows for {rows} rows; send one for each row, or a single one for all");
        return context;
    }

    /// <summary>The context rows, of which there may be any number.</summary>
    public static ContextRows Of(RowTable? table, ServedModel model)
    {
        if (model.Spec.Context is not { } expected)
            return table is null ? default : throw Wrong($"model '{model.Name}' takes no context; leave the field out");
        if (table is null)
            throw Wrong($"context is missing: model '{model.Name}' is conditioned on {Describe(expected)}");
        if (table.Rows == 0 || table.Values.Length == 0)
            throw Wrong("context holds no rows; send one for each row, or a single one for all");
        // A flat list is one row; where a row has one value, it is that many rows.
        bool perValue = table.IsFlat && expected.Width == 1;
        if (!perValue)
            table.CheckWidth(expected.Width, model.Name);
        if (expected.Classes is { } classes)
            CheckClasses(table, classes, model.Name);
        return new(table.Values, perValue ? table.Values.Length : table.Rows);
    }

    private static void CheckClasses(RowTable table, int classes, string model)
    {
        ReadOnlySpan<float> values = table.Values.Span;
        for (int row = 0; row < values.Length; row++)
            if (!(values[row] >= 0 && values[row] < classes && float.IsInteger(values[row])))
                throw new RequestException(ProblemKind.WrongContext,
                    $"context: row {table.First + row} is {values[row].ToString(CultureInfo.InvariantCulture)}; model '{model}' takes a class, an integer in 0..{classes - 1}")
                { Field = "context", Row = table.First + row };
    }

    private static string Describe(ContextSpec context) =>
        context.Classes is { } classes ? $"a class, an integer in 0..{classes - 1}" : $"{context.Width} values for each row";

    private static RequestException Wrong(string detail) => new(ProblemKind.WrongContext, detail) { Field = "context" };
}
