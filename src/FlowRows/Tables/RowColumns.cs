namespace FlowRows.Tables;

/// <summary>Where the values, the context and what is passed on stand among a table's columns.</summary>
internal sealed record RowColumns(int[] Values, int[] Context, int[] Kept);
