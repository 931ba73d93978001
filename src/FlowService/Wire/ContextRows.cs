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
    public static ContextRows Of(RowTable? table, ServedModel model, int rows) => Of(table, model).For(rows);

    /// <summary>The context rows, of which there may be any number.</summary>
    public static ContextRows Of(RowTable? table, ServedModel model)
    {
        ContextSpec? expected = Expected(table is not null, model);
        if (table is null || expected is null)
            return default;
        // A flat list is one row; where a row has one value, it is that many rows.
        bool perValue = table.IsFlat && expected.Width == 1;
        if (table.Rows > 0 && table.Values.Length > 0 && !perValue)
            table.CheckWidth(expected.Width, model.Name);
        return Of(table.Values, table.First, expected, model);
    }

    /// <summary>The same of rows that are known to be as wide as the model takes them.</summary>
    public static ContextRows Of(RowBuffer? values, ServedModel model) =>
        Expected(values is not null, model) is { } expected ? Of(values!, 0, expected, model) : default;

    /// <summary>The same for <paramref name="rows"/> rows: one for each, or one for all.</summary>
    public static ContextRows Of(RowBuffer? values, ServedModel model, int rows) => Of(values, model).For(rows);

    private static ContextRows Of(RowBuffer values, long first, ContextSpec expected, ServedModel model)
    {
        if (values.Length == 0)
            throw Wrong("context holds no rows; send one for each row, or a single one for all");
        if (expected.Classes is { } classes)
            CheckClasses(values.Span, first, classes, model.Name);
        return new(values, values.Length / expected.Width);
    }

    private static ContextSpec? Expected(bool isGiven, ServedModel model)
    {
        if (model.Spec.Context is { } expected)
            return isGiven ? expected : throw Wrong($"context is missing: model '{model.Name}' is conditioned on {Describe(expected)}");
        return isGiven ? throw Wrong($"model '{model.Name}' takes no context; leave the field out") : null;
    }

    private ContextRows For(int rows) =>
        Count > 1 && Count != rows ? throw Wrong($"context has {Count} rows for {rows} rows; send one for each row, or a single one for all") : this;

    private static void CheckClasses(ReadOnlySpan<float> values, long first, int classes, string model)
    {
        for (int row = 0; row < values.Length; row++)
            if (!(values[row] >= 0 && values[row] < classes && float.IsInteger(values[row])))
                throw new RequestException(ProblemKind.WrongContext,
                    $"context: row {first + row} is {values[row].ToString(CultureInfo.InvariantCulture)}; model '{model}' takes a class, an integer in 0..{classes - 1}")
                { Field = "context", Row = first + row };
    }

    private static string Describe(ContextSpec context) =>
        context.Classes is { } classes ? $"a class, an integer in 0..{classes - 1}" : $"{context.Width} values for each row";

    private static RequestException Wrong(string detail) => new(ProblemKind.WrongContext, detail) { Field = "context" };
}
