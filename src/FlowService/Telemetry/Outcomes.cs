namespace FlowService.Telemetry;

/// <summary>What became of a request, in the words of the metrics.</summary>
internal static class Outcomes
{
    public const string Success = "2xx", Refused = "4xx", Fault = "5xx", Aborted = "aborted";

    /// <summary>The reason of a request whose client did not wait.</summary>
    public const string ClientGone = "client_gone";

    public static string Of(int status) => status switch
    {
        >= 500 => Fault,
        >= 400 => Refused,
        _ => Success,
    };
}
