using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>
/// One row that is an object, <c>{"age": 51, "height": 1.8}</c>, token by token into a table. The first row's names hold for all, in whatever
/// order; what is not a number is noted, for only the columns that the model takes must be numbers.
/// </summary>
internal sealed class JsonObjectRow<T>(RowTable<T> table)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly NamedCells cells = table.Named ??= new();
    private readonly List<(T Value, JsonTokenType Kind, string? Text)> row = [];
    private int current;

    public void Begin()
    {
        row.Clear();
        for (int i = 0; i < cells.Names.Count; i++)
            row.Add((T.NaN, JsonTokenType.None, null));
    }

    /// <summary>Takes a token inside of the object.</summary>
    public void Take(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                current = ColumnOf(reader.GetString()!);
                break;
            case JsonTokenType.Number:
                ReadOnlySpan<byte> digits = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
                bool isFinite = T.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && T.IsFinite(value);
                row[current] = (isFinite ? value : T.PositiveInfinity, JsonTokenType.Number, null);
                break;
            case JsonTokenType.String:
                row[current] = (T.NaN, reader.TokenType, reader.GetString());
                break;
            case JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null:
                row[current] = (T.NaN, reader.TokenType, null);
                break;
            default:
                throw Wrong($"has {JsonWords.Describe(reader.TokenType)} in the field '{cells.Names[current].Shown()}'; each value is a number");
        }
    }

    /// <summary>The object ends: its values stand in the table, in the order of the first row's names.</summary>
    public void End()
    {
        if (row.Count == 0)
            throw Wrong("is an empty object; it needs a number under the name of each column");
        for (int column = 0; column < row.Count; column++)
        {
            if (row[column].Kind != JsonTokenType.Number || T.IsInfinity(row[column].Value))
                cells.Odd.Add((table.Rows, column, row[column].Kind, row[column].Text));
            table.Append(T.IsFinite(row[column].Value) ? row[column].Value : T.NaN);
        }
        table.EndRow();
    }

    private int ColumnOf(string name)
    {
        int column = cells.Names.IndexOf(name);
        if (column >= 0 && row[column].Kind != JsonTokenType.None)
            throw Wrong($"has the field '{name.Shown()}' twice");
        if (column >= 0)
            return column;
        if (table.Rows > 0)
            throw Wrong($"has the field '{name.Shown()}', which the first row has not");
        cells.Names.Add(name);
        row.Add((T.NaN, JsonTokenType.None, null));
        return cells.Names.Count - 1;
    }

    private RowFault Wrong(string problem) =>
        new(RowFaultKind.InvalidArgument, $"{table.Name}: row {table.First + table.Rows} {problem}") { Field = table.Name, Row = table.First + table.Rows };
}
