using FlowService.Errors;

namespace FlowService.Batching;

/// <summary>The time that a request may take.</summary>
internal static class Deadline
{
    /// <summary>What the request asks for, or the model's default.</summary>
    public static TimeSpan Of(int? milliseconds, BatchingOptions limits)
    {
        if (milliseconds is not { } asked)
            return TimeSpan.FromSeconds(limits.DeadlineSeconds);
        double most = limits.MaxDeadlineSeconds * 1000;
        return asked >= 1 && asked <= most
            ? TimeSpan.FromMilliseconds(asked)
            : throw new RequestException(ProblemKind.InvalidArgument, $"timeout_ms must lie in 1..{most:0}; it is {asked}") { Field = "timeout_ms" };
    }

    /// <summary>The same of a request that asks in microseconds; 0 for the model's default.</summary>
    public static TimeSpan OfMicroseconds(Int128 microseconds, BatchingOptions limits)
    {
        if (microseconds == 0)
            return TimeSpan.FromSeconds(limits.DeadlineSeconds);
        double most = limits.MaxDeadlineSeconds * 1e6;
        return microseconds >= 1 && microseconds <= (Int128)most
            ? TimeSpan.FromMicroseconds((long)microseconds)
            : throw new RequestException(ProblemKind.InvalidArgument, $"timeout must lie in 1..{most:0} microseconds; it is {microseconds}") { Field = "timeout" };
    }

    public static RequestException Passed() =>
        new(ProblemKind.DeadlinePassed, "the answer was not ready in time; allow more time, send fewer rows, or try again when the service is less busy");
}
