using System.Text.Json.Nodes;
using FlowRows;
using FlowRows.Tables;
using FlowService.Requests;
using Microsoft.OpenApi;

namespace FlowService.OpenApi;

/// <summary>The fields of requests as the API's description shows them: from the table that the parser reads by.</summary>
internal static class FieldDescriptions
{
    /// <summary>The JSON body that is made of them.</summary>
    public static OpenApiSchema Schema(FieldsMetadata metadata) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = RequestFields.OfJsonBody(metadata.Fields).Fields.ToDictionary(field => field.Name, field => (IOpenApiSchema)InBody(field, metadata)),
        Required = new HashSet<string> { metadata.Required.Name },
        AdditionalPropertiesAllowed = false,
    };

    /// <summary>The arguments that may stand in the query, and the bodies and answers of rows in other formats.</summary>
    public static void AddRows(OpenApiOperation operation, FieldsMetadata metadata)
    {
        operation.Parameters ??= [];
        foreach (RequestField field in RequestFields.OfQuery(metadata.Fields).Fields)
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = field.Name,
                In = ParameterLocation.Query,
                Description = $"{Meaning(field, metadata)}{(field.IsOfRowBody ? "" : " Here or in a JSON body, not in both.")}",
                Schema = InQuery(field, metadata),
                // With commas between them, as the reader of the query splits them.
                Style = ParameterStyle.Form,
                Explode = false,
            });
        if (!metadata.Fields.Has(RequestFields.Dtype))
            return;
        foreach (RowFormat format in RowFormats.Streamed)
        {
            operation.RequestBody?.Content?.Add(format.MediaType, Rows(format));
            operation.Responses?["200"].Content?.Add(format.MediaType, Rows(format));
        }
        // An image, or the small one that images are drawn for; a latent is not a picture.
        if (!metadata.Fields.Has(RequestFields.Z))
            operation.RequestBody?.Content?.Add(RowFormats.Picture.MediaType, Rows(RowFormats.Picture));
        if (MediaTypes.TakesForms(metadata.Fields))
            operation.RequestBody?.Content?.Add(MediaTypes.Form, Form());
    }

    private static OpenApiSchema InBody(RequestField field, FieldsMetadata metadata)
    {
        OpenApiSchema schema = field.Kind switch
        {
            FieldKind.Rows => List(List(Number)),
            FieldKind.Values when !field.IsOneRow => List(new OpenApiSchema { AnyOf = [Number, List(Number)] }),
            _ => InQuery(field, metadata),
        };
        schema.Description = Meaning(field, metadata);
        if (field.Kind != FieldKind.Rows && field != metadata.Required)
            schema.Type |= JsonSchemaType.Null; // as good as left out: many generated clients send it
        return schema;
    }

    private static OpenApiSchema InQuery(RequestField field, FieldsMetadata metadata) => field.Kind switch
    {
        FieldKind.Integer when field.Format == "uint64" => new() { Type = JsonSchemaType.Integer, Format = field.Format, Minimum = "0", Maximum = $"{ulong.MaxValue}" },
        FieldKind.Integer => new() { Type = JsonSchemaType.Integer, Format = field.Format },
        FieldKind.Number => new() { Type = JsonSchemaType.Number, Format = "double" },
        FieldKind.Flag => new() { Type = JsonSchemaType.Boolean },
        FieldKind.Values => List(Number),
        FieldKind.Names => List(Choice(field == RequestFields.Include ? metadata.Includes : [])),
        _ => Choice(field.Words),
    };

    private static string Meaning(RequestField field, FieldsMetadata metadata) =>
        field == RequestFields.Include ? $"{field.Meaning.TrimEnd('.')}: {string.Join(", ", metadata.Includes)}." : field.Meaning;

    private static OpenApiSchema Number => new() { Type = JsonSchemaType.Number, Format = "float" };

    private static OpenApiSchema List(OpenApiSchema of) => new() { Type = JsonSchemaType.Array, Items = of };

    private static OpenApiSchema Choice(string[] words) =>
        new() { Type = JsonSchemaType.String, Enum = words.Length == 0 ? null : [.. words.Select(word => (JsonNode)JsonValue.Create(word)!)] };

    // One choice of one: generators of clients take the properties of a form for arguments of the call, whatever else its body may be.
    private static OpenApiMediaType Form() => new() { Schema = new OpenApiSchema { OneOf = [Parts()] } };

    private static OpenApiSchema Parts() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            [RowNames.X] = Part("The picture, as PNG, or rows as a NumPy array."),
            [RowNames.Context] = Part("What it is conditioned on, in the same forms: of a model that enlarges pictures, the small one."),
        },
        Required = new HashSet<string> { RowNames.X, RowNames.Context },
        AdditionalPropertiesAllowed = false,
    };

    private static OpenApiSchema Part(string description) => new() { Type = JsonSchemaType.String, Format = "binary", Description = description };

    private static OpenApiMediaType Rows(RowFormat format) =>
        new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = format.IsBinary ? "binary" : null } };
}
