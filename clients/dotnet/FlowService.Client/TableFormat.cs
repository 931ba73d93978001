namespace FlowService.Client;

/// <summary>A format of tables.</summary>
public enum TableFormat
{
    /// <summary>CSV with the columns' names in its first line.</summary>
    Csv,

    /// <summary>A NumPy array.</summary>
    NumPy,

    /// <summary>An Arrow stream or file.</summary>
    Arrow,

    /// <summary>A Parquet file.</summary>
    Parquet,

    /// <summary>A JSON object in each line.</summary>
    JsonLines,
}

internal static class TableFormats
{
    public static string MediaType(this TableFormat format) => format switch
    {
        TableFormat.NumPy => "application/x-npy",
        TableFormat.Arrow => "application/vnd.apache.arrow.stream",
        TableFormat.Parquet => "application/vnd.apache.parquet",
        TableFormat.JsonLines => "application/x-ndjson",
        _ => "text/csv",
    };
}
