namespace FlowService.Batching;

internal static partial class Log
{
    [LoggerMessage(3003, LogLevel.Warning, "{Rows} rows of {Model} version {Version} failed together; they are tried in two parts")]
    public static partial void BatchFailed(this ILogger logger, string model, int version, int rows, Exception exception);

    [LoggerMessage(3004, LogLevel.Critical, "A fault outside of any computation of {Model} version {Version}; its callers are told, and the model goes on")]
    public static partial void TurnFailed(this ILogger logger, string model, int version, Exception exception);

    [LoggerMessage(3005, LogLevel.Warning, "Memory does not hold {Rows} rows of {Model} version {Version}; its batches have at most {BatchRows} rows from now on")]
    public static partial void OutOfMemory(this ILogger logger, string model, int version, int rows, int batchRows);
}
