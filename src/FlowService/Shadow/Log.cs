namespace FlowService.Shadow;

internal static partial class Log
{
    [LoggerMessage(7001, LogLevel.Information, "Model {Model}: version {Version} serves {Why}. The log density of the compared version is higher by {Mean:F4} nats ({Low:F4} to {High:F4}, {Rows} rows)")]
    public static partial void Served(this ILogger logger, string model, int version, string why, double mean, double low, double high, long rows);

    [LoggerMessage(7002, LogLevel.Warning, "Model {Model}: rows could not be scored by both versions: {Reason}")]
    public static partial void NotCompared(this ILogger logger, string model, string reason, Exception exception);
}
