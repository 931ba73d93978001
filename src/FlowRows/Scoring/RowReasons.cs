using System.Globalization;
using Apache.Arrow;
using FlowCore.Calibration;
using FlowRows.Tables;

namespace FlowRows.Scoring;

/// <summary>A feature that makes a row strange, and what it is there.</summary>
internal readonly record struct RowReason(string Feature, double Value, double Nats, float Expected)
{
    /// <summary>The reason in one cell: <c>f3 = 100 (+12.4 nats; 34 expected)</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Feature} = {(float)Value} ({(Nats >= 0 ? "+" : "")}{Nats:0.0} nats; {Expected} expected)");
}

/// <summary>Why some rows of an answer are strange, the weightiest feature first.</summary>
/// <param name="top">The most features of a row.</param>
internal sealed class RowReasons(int top)
{
    private readonly Dictionary<int, RowReason[]> rows = [];

    // Of rows that were laid aside, column by column: their text is all that is left.
    private readonly StringArray?[] texts = new StringArray?[top];

    /// <summary>The most features of a row.</summary>
    public int Top => top;

    /// <summary>The names of their columns: reason_1, reason_2, ...</summary>
    public IEnumerable<string> Columns => Enumerable.Range(1, top).Select(RowNames.Reason);

    public void Add(int row, Reason[] reasons, string[] features, Func<int, double> value) =>
        rows[row] = [.. reasons.Select(reason => new RowReason(features[reason.Column], value(reason.Column), reason.Nats, reason.Expected))];

    /// <summary>The text of every row's reason of a number, counted from 0.</summary>
    public void AddTexts(int index, StringArray column) => texts[index] = column;

    /// <summary>The reasons of a row; null where it is not explained.</summary>
    public RowReason[]? Of(int row) => rows.GetValueOrDefault(row);

    /// <summary>The text of a row's reason, counted from 0; null where it has none.</summary>
    public string? Text(int row, int index) => texts[index] is { } column ? column.GetString(row) : Of(row) is { } reasons && index < reasons.Length ? reasons[index].ToString() : null;
}
