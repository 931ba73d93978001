namespace FlowService.Shadow;

internal static partial class Log
{
    [LoggerMessage(7001, LogLevel.Information, "Model {Model}: version {Version} serves {Why}. The log density of the compared version is higher by {Mean:F4} nats ({Low:F4} to {High:F4}, {Rows} rows)")]
    public static partial void Served(this ILogger logger, string model, int version, string why, double mean, double low, double high, long rows);

    [LoggerMessage(7002, LogLevel.Warning, "Model {Model}: rows could not be scored by both versions: {Reason}")]
    public static partial void NotCompared(this ILogger logger, string model, string reason, Exception exception);

    [LoggerMessage(7005, LogLevel.Information, "Model {Model}: version {Version} {Does} where none is named, as the file of its promotion says now")]
    public static partial void ServedByFile(this ILogger logger, string model, int version, string does);

    [LoggerMessage(7003, LogLevel.Warning, "Model {Model}: which version serves is forgotten with this process, for {Path} cannot be written: {Reason}. Point Models:PromotionFolder at a folder that the service may write to")]
    public static partial void NotRemembered(this ILogger logger, string model, string path, string reason);

    [LoggerMessage(7004, LogLevel.Warning, "{Path} says which version serves, and cannot be read: {Reason}. Mend or delete it; until then it changes nothing")]
    public static partial void PromotionUnreadable(this ILogger logger, string path, string reason);
}
