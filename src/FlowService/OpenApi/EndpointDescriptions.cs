using System.Globalization;
using FlowService.Batching;
using FlowService.Endpoints;
using FlowService.Requests;
using FlowService.Telemetry;

namespace FlowService.OpenApi;

/// <summary>The body that an endpoint reads by itself, for the description.</summary>
internal sealed record BodyMetadata(Type Type, bool IsRequired = true);

/// <summary>
/// An example body that works by "Try it out" and "Execute", and an answer to it; null for one too long to read. Where an endpoint
/// has several, each has a name, and the page opens with the first.
/// </summary>
internal sealed record ExampleMetadata(string Body, string? Answer, string Name);

/// <summary>An example of a parameter.</summary>
internal sealed record ParameterExampleMetadata(string Name, string Value);

/// <summary>The fields of an operation's requests, from which its body and its query are described.</summary>
/// <param name="Fields">All of them.</param>
/// <param name="Includes">What <c>include</c> may name.</param>
/// <param name="Required">The one that must be given.</param>
internal sealed record FieldsMetadata(FieldSet Fields, string[] Includes, RequestField Required);

/// <summary>Marks an endpoint that answers <c>image/png</c> too.</summary>
internal sealed record PictureMetadata;

/// <summary>Marks an endpoint that reads <c>audio/wav</c>.</summary>
/// <param name="Answers">Whether it answers with it too.</param>
internal sealed record SoundMetadata(bool Answers);

/// <summary>What an endpoint says about itself.</summary>
internal static class EndpointDescriptions
{
    private static readonly int[] OperationErrors = [400, 401, 403, 404, 406, 413, 415, 422, 429, 500, 503, 504, 507];

    /// <summary>Marks one of the operations on rows: its metrics, its fields, its answer and its errors.</summary>
    public static RouteHandlerBuilder WithOperation<TAnswer>(this RouteHandlerBuilder builder, ServedOperation served, RequestField required) =>
        builder.WithOperation<TAnswer>(served.Operation, served.Fields, served.Rows.Includes, required);

    /// <summary>Marks an operation.</summary>
    public static RouteHandlerBuilder WithOperation<TAnswer>(
        this RouteHandlerBuilder builder, Operation operation, FieldSet fields, string[] includes, RequestField required) => builder
        .WithName(operation.Name())
        .WithMetadata(new OperationMetadata(operation), new FieldsMetadata(fields, includes, required))
        .Produces<TAnswer>()
        .WithErrors(OperationErrors);

    public static RouteHandlerBuilder WithPicture(this RouteHandlerBuilder builder) => builder.WithMetadata(new PictureMetadata());

    public static RouteHandlerBuilder WithSound(this RouteHandlerBuilder builder, bool answers) => builder.WithMetadata(new SoundMetadata(answers));

    public static RouteHandlerBuilder WithExample(this RouteHandlerBuilder builder, string body, string? answer, string name = "example") =>
        builder.WithMetadata(new ExampleMetadata(body, answer, name));

    public static RouteHandlerBuilder WithParameterExample(this RouteHandlerBuilder builder, string name, string value) =>
        builder.WithMetadata(new ParameterExampleMetadata(name, value));

    public static RouteHandlerBuilder WithErrors(this RouteHandlerBuilder builder, params int[] statuses)
    {
        foreach (int status in statuses)
            builder.ProducesProblem(status);
        return builder;
    }

    /// <summary>What an error status means here.</summary>
    public static string? Meaning(string status) => int.Parse(status, CultureInfo.InvariantCulture) switch
    {
        400 => "The body is not JSON, or the request is malformed.",
        401 => "The call needs a key.",
        403 => "The key does not open the call, or a page of another origin made it.",
        404 => "No such model or version.",
        406 => "The header Accept names no media type of the answer.",
        413 => "The body, or the number of its rows, is too large.",
        415 => "The body's media type is not understood.",
        422 => "A field is missing, unknown or out of range; a row has the wrong number of values (`row`), or a value that is not a finite "
            + "number (`row`, `column`); the context does not fit.",
        429 => "The queue is full. `Retry-After` says when to try again.",
        500 => "A fault of the service. Its log has the details under the `trace_id`.",
        503 => "Not ready, shutting down, or the model could not be loaded. `Retry-After` says when to try again.",
        504 => "The deadline passed before the answer was computed.",
        507 => "What must be laid aside while it is read (Parquet, q-values of a stream) finds no room on the service's disk.",
        _ => null,
    };
}
