using FlowCore;
using FlowRows;
using FlowSound;
using Microsoft.AspNetCore.Mvc;

namespace FlowService.Errors;

/// <summary>Exceptions and bare statuses to problem details: the only place that knows both.</summary>
internal static class ProblemMapping
{
    public static ProblemDetails ToProblem(Exception exception) => exception switch
    {
        _ when ToRefusal(exception) is { } refusal => Refused(refusal),
        BadHttpRequestException bad => new ProblemDetails
        {
            Type = ProblemKind.BadRequest.Type,
            Title = ProblemKind.BadRequest.Title,
            Status = bad.StatusCode,
            Detail = bad.Message,
        },
        _ => Of(ProblemKind.Internal, "an error of the service, not of the request; its log has the details under this trace_id"),
    };

    /// <summary>The refusal that an exception stands for: whatever the client's bytes can cause. Null where it is the service's own fault.</summary>
    public static RequestException? ToRefusal(Exception exception) => exception switch
    {
        RequestException refusal => refusal,
        RowFault fault => Of(fault),
        SoundException sound => new(ProblemKind.InvalidBody, sound.Message),
        RowException rows => new(ProblemKind.WrongWidth, rows.Message),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new(ProblemKind.BodyTooLarge,
            "the body is larger than this service accepts; send fewer rows in one request, or raise Limits:BodyBytes"),
        // The size of a chunk that no integer holds.
        IOException { InnerException: OverflowException, Source: "Microsoft.AspNetCore.Server.Kestrel.Core" } => new(ProblemKind.BadRequest, exception.Message),
        _ => null,
    };

    /// <summary>The problem behind a status that the framework answered without a body.</summary>
    public static ProblemDetails ToProblem(int status, HttpRequest request) => status switch
    {
        404 => Of(ProblemKind.NotFound, $"no endpoint at {request.Path}; the API is described at /swagger"),
        405 => Of(ProblemKind.MethodNotAllowed, $"{request.Path} does not take {request.Method}; the header Allow names what it takes"),
        406 => Of(ProblemKind.NotAcceptable, "no media type of the answer is accepted"),
        413 => Of(ProblemKind.BodyTooLarge, "the body is larger than this service accepts"),
        415 => Of(ProblemKind.UnsupportedMediaType, "the body's media type or encoding is not understood here"),
        >= 500 => new ProblemDetails { Type = ProblemKind.Internal.Type, Title = ProblemKind.Internal.Title, Status = status },
        _ => new ProblemDetails { Type = ProblemKind.BadRequest.Type, Title = ProblemKind.BadRequest.Title, Status = status },
    };

    /// <summary>The problem in one of a few words, for metrics.</summary>
    public static string? Reason(ProblemDetails problem) => problem.Type?[(problem.Type.LastIndexOf(':') + 1)..].Replace('-', '_');

    private static RequestException Of(RowFault fault) =>
        new(ProblemKind.Of(fault.Kind), fault.Message) { Field = fault.Field, Row = fault.Row, Column = fault.Column };

    private static ProblemDetails Refused(RequestException refusal)
    {
        ProblemDetails problem = Of(refusal.Kind, refusal.Message);
        if (refusal.Field is not null)
            problem.Extensions["field"] = refusal.Field;
        if (refusal.Row is { } row)
            problem.Extensions["row"] = row;
        if (refusal.Column is { } column)
            problem.Extensions["column"] = column;
        return problem;
    }

    private static ProblemDetails Of(ProblemKind kind, string detail) =>
        new() { Type = kind.Type, Title = kind.Title, Status = kind.Status, Detail = detail };
}
