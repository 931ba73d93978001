using System.Buffers.Text;
using System.Globalization;
using System.Text;
using FlowCore;

namespace FlowRows.Tables;

/// <summary>
/// Cells of categories to numbers, for every format and program: each column's categories are counted, and what they are together is the class that a
/// model is conditioned on. A number is the same category however it is written: 1, 1.0 and 1e0.
/// </summary>
internal sealed class CategoryCodes
{
    private const int MostListed = 10;

    // What stands for bytes that are no UTF-8: of another encoding different categories would look alike.
    private const char NoCharacter = '\uFFFD';

    private readonly string[] columns;
    private readonly Dictionary<string, int>[] codes;
    private readonly List<string>[] texts;
    private readonly Dictionary<(int, int), int>? classes; // of the codes so far and the next one; those of whole rows are classes

    /// <summary>Learns the categories of columns from the rows that are read.</summary>
    public CategoryCodes(string[] columns)
    {
        this.columns = columns;
        codes = Array.ConvertAll(columns, _ => new Dictionary<string, int>(StringComparer.Ordinal));
        texts = Array.ConvertAll(columns, _ => new List<string>());
    }

    /// <summary>The categories that a model knows.</summary>
    public CategoryCodes(CategorySpec known) : this(known.Columns)
    {
        classes = [];
        int next = 1;
        for (int number = 0; number < known.Values.Length; number++)
        {
            int at = 0;
            for (int column = 0; column < columns.Length; column++)
            {
                (int, int) step = (at, Learn(column, known.Values[number][column]));
                if (!classes.TryGetValue(step, out at))
                    classes[step] = at = column == columns.Length - 1 ? -1 - number : next++;
            }
        }
    }

    /// <summary>The number of columns.</summary>
    public int Columns => columns.Length;

    /// <summary>Whether rows that are read add categories.</summary>
    public bool Learns => classes is null;

    /// <summary>The category of a cell as it is compared: a number as its shortest decimal, other text as it is.</summary>
    public static string TextOf(ReadOnlySpan<byte> cell) =>
        Utf8Parser.TryParse(cell, out double number, out int used) && used == cell.Length && double.IsFinite(number)
            ? (number == 0 ? 0 : number).ToString("R", CultureInfo.InvariantCulture)
            : Encoding.UTF8.GetString(cell);

    /// <summary>The number of a category of a column; -1 where the model does not know it, or where it is not Unicode.</summary>
    public int CodeOf(int column, string text) => text.Contains(NoCharacter) ? -1 : Learns ? Learn(column, text) : codes[column].GetValueOrDefault(text, -1);

    /// <summary>The class of the categories of a row, by their numbers; -1 where no training row has them together.</summary>
    public int ClassOf<T>(ReadOnlySpan<T> row)
        where T : System.Numerics.INumberBase<T>
    {
        int at = 0;
        foreach (T code in row)
            if (!classes!.TryGetValue((at, int.CreateTruncating(code)), out at))
                return -1;
        return -1 - at;
    }

    /// <summary>The category with a number.</summary>
    public string Text(int column, int code) => texts[column][code];

    /// <summary>The refusal of a cell that holds no category, or one that the model does not know.</summary>
    /// <param name="column">Which of the columns.</param>
    /// <param name="row">The row of the body.</param>
    /// <param name="text">The cell; null where it is empty or missing.</param>
    public RowFault Refusal(int column, long row, string? text) => text is null
        ? new(RowFaultKind.InvalidValue, $"{RowNames.Context}: row {row}, column '{columns[column].Shown()}' is empty; it needs a category (write none, say, where that is one)")
        { Field = columns[column].Shown(), Row = row }
        : text.Contains(NoCharacter)
        ? new(RowFaultKind.InvalidValue, $"{RowNames.Context}: row {row}, column '{columns[column].Shown()}' reads '{text.Shown()}', which is not UTF-8; save the file as UTF-8")
        { Field = columns[column].Shown(), Row = row }
        : new(RowFaultKind.UnseenCategory,
            $"{RowNames.Context}: row {row}, column '{columns[column].Shown()}' is '{text.Shown()}', a category that no training row has; they have {Listed(column)}")
        { Field = columns[column].Shown(), Row = row };

    /// <summary>The refusal of categories that the model knows, but not together.</summary>
    public RowFault NeverTogether<T>(long row, ReadOnlySpan<T> each)
        where T : System.Numerics.INumberBase<T>
    {
        var shown = new List<string>();
        for (int column = 0; column < each.Length; column++)
            shown.Add($"'{columns[column].Shown()}' {Text(column, int.CreateTruncating(each[column])).Shown()}");
        return new(RowFaultKind.UnseenCategory, $"{RowNames.Context}: row {row} has {string.Join(" and ", shown)}, which no training row has together") { Field = RowNames.Context, Row = row };
    }

    /// <summary>What was learnt: the classes that rows have, in the order of their texts, and the class of each row.</summary>
    /// <param name="rows">The numbers of the rows' categories, row by row.</param>
    public (CategorySpec Categories, double[] Classes) Learnt(double[] rows)
    {
        string[][] all = [.. Enumerable.Range(0, rows.Length / Columns).Select(row => Enumerable.Range(0, Columns).Select(column => Text(column, (int)rows[row * Columns + column])).ToArray())];
        var known = all.GroupBy(each => string.Join('\0', each), StringComparer.Ordinal).OrderBy(each => each.Key, StringComparer.Ordinal).ToArray();
        var numbers = known.Select((each, number) => (each.Key, number)).ToDictionary(each => each.Key, each => (double)each.number, StringComparer.Ordinal);
        return (new(columns, [.. known.Select(each => each.First())], [.. known.Select(each => (long)each.Count())]), [.. all.Select(each => numbers[string.Join('\0', each)])]);
    }

    private int Learn(int column, string text)
    {
        if (codes[column].TryGetValue(text, out int code))
            return code;
        codes[column][text] = code = texts[column].Count;
        texts[column].Add(text);
        return code;
    }

    private string Listed(int column) => string.Join(", ", texts[column].Take(MostListed).Select(text => $"'{text.Shown()}'")) + (texts[column].Count > MostListed ? ", ..." : "");
}
