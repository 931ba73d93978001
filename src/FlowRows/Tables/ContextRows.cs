using System.Globalization;
using System.Numerics;
using FlowCore;
using FlowRows.Buffers;

namespace FlowRows.Tables;

/// <summary>The context of some rows, checked against what a model is conditioned on.</summary>
internal readonly record struct ContextRows<T>(RowBuffer<T>? Values, int Count)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>How many of the rows one context row serves.</summary>
    public int RowsPerContext(int rows) => Count == 0 ? 1 : rows / Count;

    /// <summary>The context of <paramref name="rows"/> rows: one for each, or one for all.</summary>
    public static ContextRows<T> Of(RowTable<T>? table, FlowSpec spec, string model, int rows) => Of(table, spec, model).For(rows);

    /// <summary>The context rows, of which there may be any number.</summary>
    public static ContextRows<T> Of(RowTable<T>? table, FlowSpec spec, string model)
    {
        ContextSpec? expected = Expected(table is not null, spec, model);
        if (table is null || expected is null)
            return default;
        // A flat list is one row; where a row has one value, it is that many rows.
        bool perValue = table.IsFlat && expected.Width == 1;
        if (table.Rows > 0 && table.Values.Length > 0 && !perValue)
            table.CheckWidth(expected.Width, model);
        return Of(table.Values, table.First, expected, model);
    }

    /// <summary>The same of rows that are known to be as wide as the model takes them: one for each, or one for all.</summary>
    public static ContextRows<T> Of(RowBuffer<T>? values, FlowSpec spec, string model, int rows) => Of(values, spec, model).For(rows);

    /// <summary>The same of any number of rows.</summary>
    public static ContextRows<T> Of(RowBuffer<T>? values, FlowSpec spec, string model) =>
        Expected(values is not null, spec, model) is { } expected ? Of(values!, 0, expected, model) : default;

    /// <summary>Where errors are gathered: notes the rows of a table whose class the model does not have, and puts class 0 in its place.</summary>
    public static void SiftClasses(RowTable<T> table, ContextSpec context, string model)
    {
        if (context.Classes is { } classes && table.Errors is { } errors)
            CheckClasses(table.Values.Span, table.First, classes, model, errors);
    }

    /// <summary>
    /// What is wrong with the context of one row is wrong with that row; with a context of all, it is with all. Where errors are not
    /// gathered nothing is done.
    /// </summary>
    public static void Sift(RowTable<T>? table, RowErrors? errors, int rows, ContextSpec? context, string model)
    {
        if (table is null || errors is null || context is null)
            return;
        if (context.Width == 1)
            table.Unflatten();
        table.CheckWidth(context.Width, model);
        SiftClasses(table, context, model);
        if (table.Errors is not { Count: > 0 } found)
            return;
        if (table.Rows != rows)
            throw new RowFault(RowFaultKind.WrongContext, found.First) { Field = RowNames.Context };
        foreach (int row in found.Rows)
            errors.Add(row, found.Of(row)!);
    }

    /// <summary>The refusal of contexts of which there is none.</summary>
    public static RowFault None => Wrong("context holds no rows; send one for each row, or a single one for all");

    private static ContextRows<T> Of(RowBuffer<T> values, long first, ContextSpec expected, string model)
    {
        if (values.Length == 0)
            throw None;
        if (expected.Classes is { } classes)
            CheckClasses(values.Span, first, classes, model, null);
        return new(values, values.Length / expected.Width);
    }

    private static ContextSpec? Expected(bool isGiven, FlowSpec spec, string model)
    {
        if (spec.Context is { } expected)
            return isGiven ? expected : throw Wrong($"context is missing: model '{model}' is conditioned on {Describe(expected)}");
        return isGiven ? throw Wrong(FlowSpec.TakesNoContext(model)) : null;
    }

    private ContextRows<T> For(int rows)
    {
        CheckCount(Count, rows);
        return this;
    }

    /// <summary>Refuses contexts that are neither one for each row nor one for all.</summary>
    public static void CheckCount(int contexts, int rows)
    {
        if (contexts > 1 && contexts != rows)
            throw Wrong($"context has {contexts} rows for {rows} rows; send one for each row, or a single one for all");
    }

    private static void CheckClasses(Span<T> values, long first, int classes, string model, RowErrors? errors)
    {
        for (int row = 0; row < values.Length; row++)
        {
            if (values[row] >= T.Zero && values[row] < T.CreateChecked(classes) && T.IsInteger(values[row]))
                continue;
            string value = values[row].ToString("G", CultureInfo.InvariantCulture);
            string detail = $"context: row {first + row} is {value}; model '{model}' takes a class, an integer in 0..{classes - 1}";
            if (errors is null)
                throw new RowFault(RowFaultKind.WrongContext, detail) { Field = RowNames.Context, Row = first + row };
            errors.Add(row, detail);
            values[row] = T.Zero;
        }
    }

    private static string Describe(ContextSpec context) =>
        context.Classes is { } classes ? $"a class, an integer in 0..{classes - 1}"
        : context.Shape is [var channels, var height, var width] ? $"an image of [{channels}, {height}, {width}], {context.Width} values, for each row" : $"{context.Width} values for each row";

    private static RowFault Wrong(string detail) => new(RowFaultKind.WrongContext, detail) { Field = RowNames.Context };
}
