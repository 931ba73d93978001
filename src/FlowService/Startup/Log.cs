namespace FlowService.Startup;

internal static partial class Log
{
    [LoggerMessage(1006, LogLevel.Information, "Listening: page {Page}, API {Api}, gRPC {Grpc}")]
    public static partial void Listening(this ILogger logger, string page, string api, string grpc);

    [LoggerMessage(1007, LogLevel.Information, "Serving: {Models}")]
    public static partial void Serving(this ILogger logger, string models);

    [LoggerMessage(1008, LogLevel.Information, "Skipped: {Skipped}")]
    public static partial void Skipped(this ILogger logger, string skipped);
}
