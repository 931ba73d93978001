using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using FlowRows.Json;

namespace FlowRows.Tables;

/// <summary>What rows that are objects bring beside their numbers: the names of their columns, and the cells that are not numbers.</summary>
internal sealed class NamedCells
{
    public List<string> Names { get; } = [];

    /// <summary>The cells that are not finite numbers, and what they are instead.</summary>
    public List<(int Row, int Column, JsonTokenType Kind, string? Text)> Odd { get; } = [];

    /// <summary>The values, and the context where the layout takes it from there, in the model's own order.</summary>
    /// <param name="table">The rows in the order of the names.</param>
    /// <param name="layout">What the model takes.</param>
    /// <exception cref="RowFault">A column is missing or unknown, or a value that is wanted is not a number.</exception>
    public (RowTable<T> Values, RowTable<T>? Context) Arrange<T>(RowTable<T> table, RowLayout layout)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowColumns columns = layout.Named(Names);
        CategoryCodes? categories = layout.Categories;
        foreach ((int row, int column, JsonTokenType kind, _) in Odd)
            if (categories is null || !columns.Context.Contains(column))
                Check(table, columns, row, column, kind);
        RowTable<T> values = table.Columns(table.Name, columns.Values, table.MayLack);
        try
        {
            return (values, columns.Context.Length == 0 ? null : categories is null ? table.Columns(RowNames.Context, columns.Context, mayLack: false) : Classes(table, columns, categories));
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    // A cell is a number in the table, or one of the odd ones.
    private RowTable<T> Classes<T>(RowTable<T> table, RowColumns columns, CategoryCodes categories)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var odd = Odd.Where(cell => columns.Context.Contains(cell.Column)).ToDictionary(cell => (cell.Row, cell.Column));
        using RowTable<T> codes = table.Beside(RowNames.Context);
        codes.Categories = categories;
        for (int row = 0; row < table.Rows; row++)
        {
            for (int i = 0; i < columns.Context.Length; i++)
                codes.AppendCategory(i, odd.TryGetValue((row, columns.Context[i]), out var cell) ? TextOf(cell.Kind, cell.Text)
                    : CategoryCodes.TextOf(Encoding.UTF8.GetBytes(table.Values.Span[row * table.Width + columns.Context[i]].ToString(null, CultureInfo.InvariantCulture))));
            codes.EndRow();
        }
        return codes.Classes();
    }

    private static string? TextOf(JsonTokenType kind, string? text) => kind switch
    {
        JsonTokenType.String => CategoryCodes.TextOf(Encoding.UTF8.GetBytes(text!)),
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        _ => null,
    };

    private void Check<T>(RowTable<T> table, RowColumns columns, int row, int column, JsonTokenType kind)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool isValue = columns.Values.Contains(column), isAbsent = kind is JsonTokenType.None or JsonTokenType.Null;
        if ((!isValue && !columns.Context.Contains(column)) || (isValue && isAbsent && table.MayLack))
            return;
        string problem = kind switch
        {
            JsonTokenType.None => "is missing",
            JsonTokenType.Number => "is too large",
            _ => $"is {JsonWords.Describe(kind)}",
        };
        var fault = new RowFault(RowFaultKind.InvalidValue, $"{table.Name}: row {table.First + row}, column '{Names[column].Shown()}' {problem}; each value must be a finite number")
        { Field = table.Name, Row = table.First + row };
        if (table.Errors is null)
            throw fault;
        table.Errors.Add(row, fault.Message);
    }
}
