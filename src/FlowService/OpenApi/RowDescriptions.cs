using FlowService.Wire;
using Microsoft.OpenApi;

namespace FlowService.OpenApi;

/// <summary>What an operation's description says of rows in NumPy, CSV and Arrow, and of the arguments beside them.</summary>
internal static class RowDescriptions
{
    private static readonly (RequestField Field, JsonSchemaType Type, string Text)[] Arguments =
    [
        (RequestField.Model, JsonSchemaType.String, "The model's name; may be left out where one model is loaded."),
        (RequestField.Version, JsonSchemaType.Integer, "The model's version; the highest one serves by default."),
        (RequestField.Count, JsonSchemaType.Integer, "The number of rows to draw; with context, for each context row."),
        (RequestField.Offset, JsonSchemaType.Integer, "The first row of the seed's stream."),
        (RequestField.Seed, JsonSchemaType.Integer, "The same seed gives the same rows."),
        (RequestField.Temperature, JsonSchemaType.Number, "Scales the noise."),
        (RequestField.Context, JsonSchemaType.String, "One row of context for all rows, or a list of classes: numbers with commas between them."),
        (RequestField.Include, JsonSchemaType.String, "What to add to the answer: names with commas between them."),
        (RequestField.Keep, JsonSchemaType.String, "Columns of a CSV or Arrow body that go into the answer as they are; `*` for all."),
        (RequestField.Dtype, JsonSchemaType.String, "The numbers of a NumPy or Arrow answer: float32 (default) or float64."),
        (RequestField.TimeoutMs, JsonSchemaType.Integer, "Give up after so many milliseconds; in a stream, on any part of it."),
        (RequestField.Priority, JsonSchemaType.String, "interactive (default) or bulk."),
    ];

    public static void Add(OpenApiOperation operation, RequestField fields)
    {
        operation.Parameters ??= [];
        foreach (var (field, type, text) in Arguments)
            if (fields.HasFlag(field))
                operation.Parameters.Add(new OpenApiParameter
                {
                    Name = field.Name(),
                    In = ParameterLocation.Query,
                    Description = $"{text} Here or in a JSON body, not in both.",
                    Schema = new OpenApiSchema { Type = type },
                });
        foreach (RowFormat format in RowFormat.All)
        {
            operation.RequestBody?.Content?.Add(format.MediaType, Rows(format));
            operation.Responses?["200"].Content?.Add(format.MediaType, Rows(format));
        }
    }

    private static OpenApiMediaType Rows(RowFormat format) =>
        new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = format.IsBinary ? "binary" : null } };
}
