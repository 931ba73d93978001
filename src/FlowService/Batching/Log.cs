namespace FlowService.Batching;

internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Information, "Device {Device} computes batches of up to {BatchRows} rows")]
    public static partial void DeviceStarted(this ILogger logger, string device, int batchRows);

    [LoggerMessage(3002, LogLevel.Information, "Device {Device} has finished what was accepted")]
    public static partial void DeviceStopped(this ILogger logger, string device);

    [LoggerMessage(3003, LogLevel.Warning, "A batch of {Callers} callers of {Model} version {Version} failed; each is tried alone")]
    public static partial void BatchFailed(this ILogger logger, string model, int version, int callers, Exception exception);

    [LoggerMessage(3004, LogLevel.Critical, "A fault outside of any batch on {Device}; the device goes on")]
    public static partial void TurnFailed(this ILogger logger, string device, Exception exception);
}
