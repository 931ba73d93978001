namespace FlowService.Startup;

internal static partial class Log
{
    [LoggerMessage(1002, LogLevel.Critical, "The service does not start. {Fault}")]
    public static partial void NotStarted(this ILogger logger, string fault);
}
