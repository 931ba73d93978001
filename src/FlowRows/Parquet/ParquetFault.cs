namespace FlowRows.Parquet;

/// <summary>The refusals of Parquet files.</summary>
internal static class ParquetFault
{
    public static RowFault Damaged(string why) => new(RowFaultKind.InvalidBody, $"the body is no Parquet file: {why}");

    /// <summary>A column does not hold what the file says of it.</summary>
    public static RowFault Damaged(string column, string why) =>
        new(RowFaultKind.InvalidBody, $"the body is no Parquet file: column '{column.Shown()}' {why}") { Field = column.Shown() };

    /// <summary>A column is wanted, and of a kind that is not read.</summary>
    public static RowFault Unread(string column, string what) =>
        new(RowFaultKind.InvalidBody, $"column '{column.Shown()}' of the Parquet file holds {what}, which is not read; leave it out") { Field = column.Shown() };
}
